"""A machine of its own for a test: network, files and users of its own, so
that the recipes of a manual run as they stand there.

Its address is 10.0.0.1, and its name example.org; alice is a user.
"""

import os
import pathlib
import queue
import subprocess
import threading

import pytest

import offerers
import proc
import server

ALICE = 2001
GIT = 2002
MUX = 2003
USERS = {"alice": ALICE, "git": GIT, "tcpmux": MUX}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Everything below is private: mounts end with the namespace.
SET_UP = """\
set -e
cp -a /etc "$1/etc"
mount --bind "$1/etc" /etc
for folder in /run /home /srv /usr/local/bin /usr/local/sbin; do
	mount -t tmpfs -o mode=755 tmpfs $folder
done
mount --bind "$2" /mnt
ln -s /mnt/tcpmuxd /mnt/in.tcpmuxd /usr/local/sbin
ln -s /mnt/cmd/* /usr/local/bin
ip link set lo up
ip addr add 10.0.0.1/8 dev lo
ip addr add 10.0.0.2/8 dev lo
echo ready
exec sleep infinity
"""


class Machine:
    """Its processes end with it, to the last."""

    def __init__(self, folder):
        offerers.needs_root()
        self.etc = pathlib.Path(folder, "etc")
        self.running = []
        self.process = subprocess.Popen(
            ["unshare", "-mnpf", "--mount-proc", "--propagation", "private",
             "--kill-child", "sh", "-c", SET_UP, "sh", folder, server.BUILD],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            self.close()
            pytest.skip("no namespaces here")
        self.pid = proc.children(self.process.pid)[0]
        self.root = pathlib.Path(f"/proc/{self.pid}/root")
        self.make_users()

    def make_users(self):
        """Whom the recipes name, with homes."""
        (self.etc / "hosts").write_text(
            "127.0.0.1 localhost\n::1 localhost\n"
            "10.0.0.1 example.org\n10.0.0.2 lab.example.org\n", "ascii")
        for name, number in USERS.items():
            for file, line in (
                    ("passwd", f"{name}:x:{number}:{number}::/home/{name}:"
                     "/bin/sh"), ("group", f"{name}:x:{number}:"),
                    ("shadow", f"{name}:*:20000::::::")):
                path = self.etc / file
                kept = [row for row in path.read_text().splitlines()
                        if not row.startswith(f"{name}:")]
                path.write_text("\n".join([*kept, line, ""]))
            for folder in (f"home/{name}", f"run/user/{number}"):
                path = self.root / folder
                path.mkdir(mode=0o755, parents=True)
                path.chmod(0o700)
                os.chown(path, number, number)

    def write(self, path, text, owner=0):
        """A file; ~ is alice's home, and the file hers then."""
        if path.startswith("~/"):
            path, owner = f"/home/alice/{path[2:]}", ALICE
        file = self.root / path[1:]
        for folder in reversed(file.parents):
            if not folder.exists():
                folder.mkdir()
                os.chown(folder, owner, owner)
        file.write_text(text, "ascii")
        os.chown(file, owner, owner)

    def words(self, user, command):
        """What runs a command as a user, at home."""
        number = USERS.get(user, 0)
        home = f"/home/{user}" if number else "/root"
        return ["nsenter", f"--target={self.pid}", "-m", "-n", "-p", "--",
                *(offerers.as_user(number, number) if number else ()),
                "env", "-i", f"HOME={home}", f"PATH={PATH}",
                f"USER={user}", f"LOGNAME={user}",
                f"XDG_RUNTIME_DIR=/run/user/{number}", "sh", "-c",
                f"cd {home} && {command}"]

    def run(self, user, command):
        """What a command says, on both outputs; it succeeds."""
        done = subprocess.run(
            self.words(user, command), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=3 * proc.PATIENCE, check=False)
        said = done.stdout.decode()
        assert done.returncode == 0, (command, said)
        return said

    def start(self, user, command):
        """Start what goes on; return the queue of the lines that it says."""
        process = subprocess.Popen(
            self.words(user, f"exec {command}"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        lines = queue.Queue()

        def listen():
            with process.stdout as output:
                for line in output:
                    lines.put(line.decode().rstrip("\n"))
            lines.put(None)

        threading.Thread(target=listen, daemon=True).start()
        self.running.append(process)
        return lines

    def tcpmuxd(self, options=""):
        """Start it as root, with the configuration that is there."""
        lines = self.start("root", f"tcpmuxd {options}")
        said = []
        while not said or "listening on" not in said[-1]:
            said.append(lines.get(timeout=proc.PATIENCE))
            assert said[-1] is not None, said

    def wait_port(self, port):
        """Wait until somebody listens there."""
        def listens():
            return f":{port:04X} 0" in proc.read(self.pid, "net/tcp")
        proc.wait_until(listens, f"port {port}")

    def close(self):
        """The end of its first process is that of all."""
        self.process.kill()
        self.process.communicate()
        for each in self.running:
            each.wait(proc.PATIENCE)
