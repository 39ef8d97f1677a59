"""Programs that are started with descriptors at certain numbers."""

import sys

STARTER = """
import fcntl, os, sys
count = int(sys.argv[1])
fds = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 64) for fd in sys.argv[2:2+count]]
for number, fd in enumerate(fds, 3):
    os.dup2(fd, number)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count))
os.execvp(sys.argv[2 + count], sys.argv[2 + count:])
"""


def command(fds, *words):
    """What runs a program that has fds as 3, 4 and so on, as by systemd.

    They must be passed to it, too (pass_fds).
    """
    return [sys.executable, "-c", STARTER, str(len(fds)),
            *(str(fd) for fd in fds), *(str(word) for word in words)]
