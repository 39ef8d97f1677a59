"""One process with its children: started, measured by /proc, ended."""

import contextlib
import os
import pathlib
import subprocess
import sys
import time

from place import settle_child

PATIENCE = 60.0         # seconds for a server to start, to rest or to end
TICK = 10**9 // os.sysconf("SC_CLK_TCK")


def read(path):
    """A file of /proc."""
    return pathlib.Path(path).read_text(encoding="ascii")


def stat(pid):
    """The fields of /proc/PID/stat from the state on."""
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def family(pid):
    """A process, its children and theirs."""
    found = [pid]
    for child in read(f"/proc/{pid}/task/{pid}/children").split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += family(int(child))
    return found


def cpu(pid):
    """Nanoseconds on the processor: its own to one, its dead children's to
    a tick of the clock."""
    dead = int(stat(pid)[13]) + int(stat(pid)[14])
    # The clock of a process that is not ours: CPUCLOCK_SCHED of its pid.
    return time.clock_gettime_ns(~pid << 3 | 2) + dead * TICK


def memory(pid):
    """Bytes that are its own and no file's, with its share of what several
    have."""
    lines = read(f"/proc/{pid}/smaps_rollup").splitlines()[1:]
    fields = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return (fields["Pss_Anon"] + fields["Pss_Shmem"]) * 1024


def wait_until(condition, what):
    """Poll for what no descriptor reports."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited in vain for {what}")
        time.sleep(0.002)


class Process:
    """A server's process, on a core."""

    def __init__(self, title, words, core, output=subprocess.PIPE,
                 files=None, env=None):
        self.title = title
        self.members = None     # how many it has when it rests
        self.popen = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=output, env=env,
            stderr=subprocess.STDOUT, preexec_fn=settle_child(core, files))

    def line(self):
        """The next line that it says."""
        return self.popen.stdout.readline().decode("ascii").rstrip()

    def check(self):
        """It has not ended, or else so do we."""
        if self.popen.poll() is not None:
            sys.exit(f"{self.title} ended: {self.popen.returncode}")

    def family(self):
        """Its process and their children."""
        return family(self.popen.pid)

    def is_at_rest(self):
        """Is nobody at work, and everybody reaped that is to be?"""
        try:
            members = self.family()
            return (len(members) == (self.members or len(members)) and
                    all(stat(pid)[0] == "S" for pid in members))
        except (FileNotFoundError, ProcessLookupError):
            return False

    def settle(self):
        """Wait until it rests: its work on the last connection is done."""
        wait_until(self.is_at_rest, f"{self.title} to rest")

    def settle_first(self):
        """Wait until all its processes are there, and count them."""
        time.sleep(0.2)         # nothing tells that no more will come
        self.settle()
        self.members = len(self.family())

    def cpu(self):
        """Nanoseconds that it and its children have spent so far."""
        return sum(cpu(pid) for pid in self.family())

    def memory(self):
        """Bytes that it and its children have to themselves."""
        return sum(memory(pid) for pid in self.family())

    def rss(self, name):
        """Bytes resident, shared ones too, of the largest of that name."""
        found = [0]
        for pid in self.family():
            lines = dict(line.split(":", 1) for line in
                         read(f"/proc/{pid}/status").splitlines())
            if lines["Name"].strip() == name[:15]:
                found.append(int(lines["VmRSS"].split()[0]) * 1024)
        return max(found)

    def stop(self):
        """End it, by its number."""
        self.popen.terminate()
        try:
            self.popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        if self.popen.stdout is not None:
            self.popen.stdout.close()
