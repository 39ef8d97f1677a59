"""A terminal with a program in it, whose screen a test reads."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pyte

import proc


class Terminal:
    """A pseudoterminal of rows and columns; the program is its leader."""

    def __init__(self, *argv, rows=24, columns=80, term="linux", env=None):
        self.master, self.slave = pty.openpty()
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            argv, stdin=self.slave, stdout=self.slave, stderr=self.slave,
            env=os.environ | {"TERM": term} | (env or {}),
            start_new_session=True, preexec_fn=self.control)

    @staticmethod
    def control():
        """Have standard input control the session."""
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    @property
    def lines(self):
        """What is on the screen, without spaces at the ends."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self):
        """All of it."""
        return "\n".join(self.lines)

    def feed(self, timeout):
        """Take what comes, for so long at the most; has anything?"""
        if not select.select([self.master], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:         # nobody has the other end any more
            return False
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def wait_for(self, condition, what=None):
        """Until the screen is so: a text that it has, or a function."""
        end = time.monotonic() + proc.PATIENCE
        wanted = (lambda: condition in self.text) if isinstance(
            condition, str) else condition
        while not wanted():
            assert time.monotonic() < end, (
                f"waited in vain for {what or condition}:\n{self.text}")
            self.feed(0.1)

    def press(self, keys):
        """Type."""
        os.write(self.master, keys)

    def resize(self, rows, columns):
        """Another size, as when somebody pulls at the window."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def wait(self):
        """The status of the program, which ends."""
        end = time.monotonic() + proc.PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end:\n{self.text}"
            self.feed(0.05)
        while self.feed(0):
            pass
        return self.process.returncode

    def is_as_before(self):
        """Is the terminal in the state that it was in?"""
        return termios.tcgetattr(self.slave) == self.before

    def hang_up(self):
        """The window is closed."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def close(self):
        """End, and the program with it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for fd in (self.master, self.slave):
            if fd != -1:
                os.close(fd)
