"""Where the benchmark runs: a network where no other server is, and a core
for each side."""

import ctypes
import fcntl
import os
import resource
import socket
import struct

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


class Missing(Exception):
    """Something that cannot be measured here, and why."""


def unshare(flags):
    """unshare(2), or OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def write(path, text):
    """Write a file of /proc in one call."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def raise_loopback():
    """Let there be 127.0.0.1."""
    with socket.socket() as sock:
        request = fcntl.ioctl(sock, SIOCGIFFLAGS, struct.pack("16s24x", b"lo"))
        name, flags = struct.unpack("16sh22x", request)
        fcntl.ioctl(sock, SIOCSIFFLAGS,
                    struct.pack("16sh22x", name, flags | IFF_UP))


def enter_network():
    """Go to a network of our own, where port 1 is free and anybody's."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        unshare(CLONE_NEWNET)
    else:
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{uid} {uid} 1")
        write("/proc/self/gid_map", f"{gid} {gid} 1")
    raise_loopback()
    write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
    # A relay has one address for all that it connects to.
    write("/proc/sys/net/ipv4/ip_local_port_range", "10240 65535")


def cores():
    """The core of the client and that of the servers."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def settle_child(core, files=None):
    """What a child does first: it stays on its core, and takes a limit of
    open files, or all that it may have."""
    def settle():
        os.sched_setaffinity(0, {core})
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE,
                           (min(files or most, most), most))
    return settle


def free_port(port=0):
    """Can this port be had?  Returns it."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            raise Missing(f"port {port}: {error.strerror}") from error
        return sock.getsockname()[1]
