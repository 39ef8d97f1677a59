"""A systemd of the test's own: the real one, as the first process of
namespaces in which nobody else is, on a copy of this machine's files."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

import proc
import server

SYSTEMD = "/lib/systemd/systemd"
NAMESPACES = ["unshare", "--fork", "--pid", "--mount", "--uts", "--ipc",
              "--cgroup", "--net", "--kill-child"]
HIERARCHIES = ["systemd", "unified"]

# Those that stay for several tests.
STANDING = set()

# Its files are those of the machine, and what it writes is nobody's.  Units
# of the machine are not there.
BOOT = """
mount --make-rprivate /
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay none -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" \
    "$1/root"
cd "$1/root"
mount -t proc none proc
mount -t sysfs -o ro none sys
for folder in run tmp dev sys/fs/cgroup; do mount -t tmpfs none $folder; done
mkdir dev/shm dev/pts dev/mqueue dev/hugepages
mount -t devpts -o newinstance,ptmxmode=0666 none dev/pts
ln -s pts/ptmx dev/ptmx
for file in null zero full random urandom tty; do
    : > dev/$file
    mount --bind /dev/$file dev/$file
done
: > dev/console
if [ -d /sys/fs/cgroup/systemd ]; then
    mkdir sys/fs/cgroup/systemd sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd none sys/fs/cgroup/systemd
    mount -t cgroup2 none sys/fs/cgroup/unified
else
    mount -t cgroup2 none sys/fs/cgroup
fi
rm -rf etc/systemd/system/* usr/lib/systemd/system-generators/* \
    usr/local/lib/systemd/system/*
printf '[Unit]\\nDefaultDependencies=no\\nAllowIsolate=yes\\n' \
    > etc/systemd/system/test.target
ip link set lo up
DESTDIR="$1/root" meson install -C "$2" --no-rebuild --quiet
mkdir old
pivot_root . old
cd /
umount --lazy /old
exec env -i PATH="$PATH" container=test /lib/systemd/systemd --system \
    --unit=test.target --show-status=no
"""


def need():
    """Skip where there is no way to have one."""
    if os.getuid() != 0:
        pytest.skip("only root can have a systemd of his own")
    for program in (SYSTEMD, "unshare", "nsenter", "meson", "ip"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    unit = (server.BUILD / "contrib" / "tcpmuxd.service").read_text()
    if "ExecStart=/usr/local/sbin/tcpmuxd\n" not in unit:
        pytest.skip("this build is for another place than /usr/local")
    probe = subprocess.run(
        [*NAMESPACES, "sh", "-c", "mount --make-rprivate / && "
         "mount -t tmpfs none /mnt && mkdir /mnt/a /mnt/b /mnt/c && "
         "mount -t overlay none -o lowerdir=/,upperdir=/mnt/a,workdir=/mnt/b "
         "/mnt/c"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"no namespaces here: {probe.stderr.decode()}")


class Systemd:
    """One systemd, and what it is told to do."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tcpmux-test-")
        self.groups = self.make_groups()
        self.process = subprocess.Popen(
            [*NAMESPACES, "sh", "-ec", BOOT, "boot", self.folder,
             str(server.BUILD)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            preexec_fn=self.enter_groups)
        STANDING.add(self.process.pid)
        self.pid = proc.wait_until(
            lambda: next(iter(proc.children(self.process.pid)), 0), "it")
        proc.wait_until(self.is_up, "systemd")

    @staticmethod
    def make_groups():
        """Control groups of its own, which it takes for all."""
        top = pathlib.Path("/sys/fs/cgroup")
        tops = [top / name for name in HIERARCHIES] \
            if (top / "systemd").is_dir() else [top]
        groups = [each / f"tcpmux-test-{os.getpid()}" for each in tops]
        for group in groups:
            group.mkdir()
        return groups

    def enter_groups(self):
        """Be there, before there are namespaces."""
        for group in self.groups:
            (group / "cgroup.procs").write_text("0")

    def run(self, *words, check=True, **more):
        """Run a command in there; its output."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.pid), "--all", "--root",
             "--wd=/", *words], text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=3 * proc.PATIENCE, check=False, **more)
        assert done.returncode == 0 or not check, done.stdout
        return done.stdout

    def is_up(self):
        """Does it answer?"""
        assert self.process.poll() is None, "systemd did not start"
        return self.run("systemctl", "show", "--property=Version",
                        check=False).startswith("Version=")

    def control(self, *words):
        """systemctl."""
        return self.run("systemctl", "--no-ask-password", *words)

    def show(self, unit, name):
        """A property of a unit."""
        return self.control("show", "--value", f"--property={name}",
                            unit).strip()

    def wait_shown(self, unit, name, wanted):
        """Wait until a property matches."""
        return proc.wait_until(lambda: wanted(self.show(unit, name)),
                               f"{name} of {unit}")

    def write(self, path, text):
        """Write a file there."""
        self.run("sh", "-c", 'mkdir -p "${1%/*}" && printf %s "$2" > "$1"',
                 "write", path, text)

    def close(self):
        """End it, and all that it has started."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(proc.PATIENCE)
        proc.wait_gone(self.pid)
        STANDING.remove(self.process.pid)
        for group in self.groups:
            for each in sorted(group.rglob("*/"), reverse=True):
                proc.wait_until(lambda path=each: self.remove(path), each)
            proc.wait_until(lambda path=group: self.remove(path), group)
        os.rmdir(self.folder)

    @staticmethod
    def remove(path):
        """Remove a control group, once nobody is in it."""
        try:
            path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True
