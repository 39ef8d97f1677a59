"""Another process's system calls: made to happen, or asked about, by ptrace.

Nothing is started in it and nothing is left in it; only root can do it.
"""

import ctypes
import os
import platform
import signal
import struct

import pytest

PTRACE_GETREGS, PTRACE_SETREGS = 12, 13
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
PTRACE_SINGLESTEP = 9
PTRACE_SECCOMP_GET_FILTER = 0x420C
WALL = 0x40000000

# Fields of user_regs_struct of x86-64, by their place.
REGISTERS = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9",
             "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip", "cs",
             "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs",
             "gs")
ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
SYSCALL = b"\x0f\x05"

AUDIT_ARCH_X86_64 = 0xC000003E
KILL_PROCESS = 0x80000000
ALLOW = 0x7FFF0000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, address=0, data=0):
    """The call, which raises what goes wrong."""
    result = libc.ptrace(request, pid, address, data)
    if result == -1:
        raise OSError(ctypes.get_errno(), "ptrace")
    return result


def needs_ptrace():
    """Skip where it cannot be done."""
    if platform.machine() != "x86_64":
        pytest.skip("registers are known of x86-64 only")
    if os.getuid() != 0:
        pytest.skip("only root can look into the daemon's processes")


class Traced:
    """A process that is stopped while the with block lasts."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        try:
            ptrace(PTRACE_ATTACH, self.pid)
        except PermissionError:
            pytest.skip("this system lets nobody trace")
        os.waitpid(self.pid, WALL)
        return self

    def __exit__(self, *_):
        try:
            ptrace(PTRACE_DETACH, self.pid)
        except ProcessLookupError:      # it has been killed
            pass

    def call(self, number, *arguments):
        """Have it make a system call; what it returns.

        Or the number of the signal that it died of, negative, in a tuple.
        """
        buffer = (ctypes.c_ulong * len(REGISTERS))()
        ptrace(PTRACE_GETREGS, self.pid, 0, ctypes.addressof(buffer))
        before = list(buffer)
        registers = dict(zip(REGISTERS, buffer))
        # It waits in a system call: the instruction is the one before.
        with open(f"/proc/{self.pid}/mem", "rb") as memory:
            memory.seek(registers["rip"] - 2)
            assert memory.read(2) == SYSCALL, "it is not in a system call"
        registers.update(zip(ARGUMENTS, arguments))
        registers.update(rip=registers["rip"] - 2, rax=number,
                         orig_rax=(1 << 64) - 1)
        buffer[:] = [registers[name] for name in REGISTERS]
        ptrace(PTRACE_SETREGS, self.pid, 0, ctypes.addressof(buffer))
        ptrace(PTRACE_SINGLESTEP, self.pid)
        _, status = os.waitpid(self.pid, WALL)
        if os.WIFSIGNALED(status):
            return (-os.WTERMSIG(status),)
        assert os.WSTOPSIG(status) == signal.SIGTRAP
        ptrace(PTRACE_GETREGS, self.pid, 0, ctypes.addressof(buffer))
        result = ctypes.c_long(dict(zip(REGISTERS, buffer))["rax"]).value
        buffer[:] = before
        ptrace(PTRACE_SETREGS, self.pid, 0, ctypes.addressof(buffer))
        return result

    def filters(self):
        """Its seccomp filters, the newest first, as lists of instructions."""
        found = []
        while True:
            try:
                size = ptrace(PTRACE_SECCOMP_GET_FILTER, self.pid, len(found))
            except FileNotFoundError:
                return found
            except OSError:
                pytest.skip("this kernel does not show filters")
            buffer = (ctypes.c_char * (8 * size))()
            ptrace(PTRACE_SECCOMP_GET_FILTER, self.pid, len(found),
                   ctypes.addressof(buffer))
            found.append(list(struct.iter_unpack("=HBBI", buffer.raw)))


def run_filter(code, data):
    """What a filter says to a struct seccomp_data: classic BPF, in short."""
    compare = {0x15: lambda a, k: a == k, 0x25: lambda a, k: a > k,
               0x35: lambda a, k: a >= k, 0x45: lambda a, k: a & k != 0}
    a = at = 0
    while True:
        op, yes, no, k = code[at]
        at += 1
        if op == 0x20:
            a, = struct.unpack_from("=I", data, k)
        elif op in compare:
            at += yes if compare[op](a, k) else no
        elif op == 0x05:
            at += k
        elif op == 0x54:
            a &= k
        elif op == 0x06:
            return k
        else:
            raise AssertionError(f"an instruction that is not known: {op:#x}")


def verdict(filters, number, arguments=(), arch=AUDIT_ARCH_X86_64):
    """What all filters together say: the strictest of them."""
    arguments = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=iIQ6Q", number, arch, 0, *arguments)
    # Of KILL_PROCESS, KILL_THREAD, ... ALLOW the least wins, as if signed.
    return min((run_filter(code, data) for code in filters),
               key=lambda k: ctypes.c_int32(k & 0xFFFF0000).value)
