"""in.tcpmuxd as whoever starts it sees it: options, status, confinement."""

import contextlib
import ctypes
import errno
import os
import select
import socket
import struct
import subprocess

import pytest

import proc
from doors import IN_TCPMUXD

OK = b"+OK FINE\r\n"
LATE = b"-No name in time: connect again and send it at once\r\n"
BROKEN = b"-Not set up right: tell the administrator of this server\r\n"
BLOW_ME = b"-BLOW ME\r\n"         # if --classic has been understood

EX_USAGE, EX_OSERR, EX_IOERR = 64, 71, 74

BAD_OPTIONS = [
    ("-w",), ("-w", ""), ("-w", "x"), ("-w", "-1"), ("-w", "1.5"),
    ("-w", "99999999999999999999"), ("-x",), ("--nosuch",), ("argument",),
    ("--classic", "--lenient"), ("--lenient", "--classic"),
    ("--classic=1",)]


@contextlib.contextmanager
def on_tcp(*words, **popen):
    """Run it on one end of a TCP connection: the process and our end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname(),
                                        timeout=proc.PATIENCE)
        its, _ = listener.accept()
    with its:
        process = subprocess.Popen([IN_TCPMUXD, *words], stdin=its,
                                   stdout=its, **popen)
    with process, ours:
        yield process, ours


def settle(process):
    """Wait until it waits."""
    proc.wait_until(lambda: proc.state(process.pid) == "S", "it to sleep")


def run(*words, **popen):
    """Run it to its end."""
    return subprocess.run([IN_TCPMUXD, *words], check=False,
                          timeout=proc.PATIENCE, **popen)


def read_all(sock):
    """What it says until it closes, in good order."""
    data = b""
    while more := sock.recv(4096):
        data += more
    return data


# Options.

@pytest.mark.parametrize("words", BAD_OPTIONS)
def test_usage_goes_to_standard_error(words):
    """A bad command line: status 64, one line, and nothing on a pipe."""
    done = run(*words, stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == EX_USAGE
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
    assert done.stderr.startswith(b"usage: in.tcpmuxd")


@pytest.mark.parametrize("words", BAD_OPTIONS)
def test_usage_for_a_client_is_a_refusal(words):
    """Standard error is the connection, as under inetd: a - line, no more."""
    with on_tcp(*words, stderr=subprocess.STDOUT) as (process, ours):
        ours.sendall(b"tcpmux\r\n")
        assert read_all(ours) in (BROKEN, BLOW_ME)
        ours.close()
        assert process.wait(proc.PATIENCE) == EX_USAGE


def test_usage_for_both(capfd):
    """Standard error is elsewhere: the reason there, a - line here."""
    with on_tcp("--nosuch") as (process, ours):
        assert read_all(ours) == BROKEN
        ours.close()
        assert process.wait(proc.PATIENCE) == EX_USAGE
    assert "usage: in.tcpmuxd" in capfd.readouterr().err


# Exit status.

@pytest.mark.parametrize("request_, reply", [
    (b"", b""), (b"tcp", b""), (b"tcpmux\r\n", OK),
    (b"HELP\r\n", b"tcpmux\r\n"),
    (b"\r\n", b"-No service name: send a name and CR LF, or HELP and CR LF "
     b"for a list\r\n")])
def test_status_0_after_any_conversation(request_, reply):
    """Whatever the client said, nothing failed here."""
    done = run(input=request_, stdout=subprocess.PIPE)
    assert done.returncode == 0
    assert done.stdout == reply


def test_status_0_when_the_client_has_gone():
    """A client that resets is no failure either."""
    with on_tcp() as (process, ours):
        ours.sendall(b"tcp")
        settle(process)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
        ours.close()
        assert process.wait(proc.PATIENCE) == 0


def test_status_0_when_nobody_reads():
    """A pipe that nobody reads: no death by SIGPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as output:
        assert run(input=b"tcpmux\r\n", stdout=output).returncode == 0


@pytest.mark.parametrize("number", [0, 1])
def test_status_74_without_a_descriptor(number):
    """Standard input or output closed: there is nobody to talk to."""
    done = subprocess.run(
        [IN_TCPMUXD], check=False, timeout=proc.PATIENCE,
        preexec_fn=lambda: os.close(number), **{
            "input" if number else "stdout":
            b"tcpmux\r\n" if number else subprocess.PIPE})
    assert done.returncode == EX_IOERR


def test_status_74_on_a_directory():
    """A directory is no connection."""
    folder = os.open("/", os.O_RDONLY)
    try:
        done = run(stdin=folder, stdout=subprocess.PIPE)
    finally:
        os.close(folder)
    assert done.returncode == EX_IOERR
    assert done.stdout == b""


# Confinement.

def test_holds_descriptors_0_and_1_only():
    """Whatever else it inherits is closed, standard error too."""
    extra = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
    with on_tcp(pass_fds=extra) as (process, ours):
        ours.sendall(b"tcpmux\r\n")
        assert ours.recv(512) == OK
        held = proc.fds(process.pid)
    for fd in extra:
        os.close(fd)
    assert sorted(held) == [0, 1]
    assert held[0] == held[1]


def test_is_confined():
    """seccomp by filter, no new privileges, no core, no child."""
    with on_tcp() as (process, ours):
        ours.sendall(b"tcpmux\r\n")
        assert ours.recv(512) == OK
        status = proc.status(process.pid)
        limits = proc.read(process.pid, "limits")
    assert status["Seccomp"] == "2"
    assert status["NoNewPrivs"] == "1"
    for name in ("Max core file size", "Max processes"):
        line, = (line for line in limits.split("\n") if line.startswith(name))
        assert line[len(name):].split()[:2] == ["0", "0"]


class SockFprog(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
SECCOMP_MODE_FILTER = 2
SYS_PRCTL = {"x86_64": 157, "aarch64": 167}
RET_ERRNO, RET_ALLOW = 0x00050000, 0x7fff0000
LOAD, IS, RETURN = 0x20, 0x15, 0x06


def forbid_seccomp():
    """Make every further prctl(PR_SET_SECCOMP) fail: an unkind kernel."""
    number = SYS_PRCTL[os.uname().machine]
    code = b"".join(struct.pack("HBBI", *insn) for insn in (
        (LOAD, 0, 0, 0), (IS, 0, 3, number),
        (LOAD, 0, 0, 16), (IS, 0, 1, PR_SET_SECCOMP),
        (RETURN, 0, 0, RET_ERRNO | errno.EINVAL), (RETURN, 0, 0, RET_ALLOW)))
    prog = SockFprog(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(
            PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(prog)) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def test_classic_has_a_deadline_for_a_line_without_end():
    """A client that never pauses is late all the same."""
    with open("/dev/zero", "rb") as zeros:
        done = run("--classic", "-w", "1", stdin=zeros,
                   stdout=subprocess.PIPE)
    assert (done.stdout, done.returncode) == (BLOW_ME, 0)


def test_client_is_refused_even_if_nobody_else_can_be_told():
    """Standard error is closed, and the options make no sense."""
    with on_tcp("--nosuch", preexec_fn=lambda: os.close(2)) as (
            process, ours):
        assert read_all(ours) == BROKEN
        ours.close()
        assert process.wait(proc.PATIENCE) == EX_USAGE


def test_status_71_if_it_cannot_confine_itself(capfd):
    """Rather than talk unconfined it refuses, and says why elsewhere."""
    with on_tcp(preexec_fn=forbid_seccomp) as (process, ours):
        ours.sendall(b"tcpmux\r\n")
        assert read_all(ours) == BROKEN
        ours.close()
        assert process.wait(proc.PATIENCE) == EX_OSERR
    assert "cannot confine itself" in capfd.readouterr().err


# The deadline.

def test_deadline_is_that_of_each_request():
    """Rule 27: a byte now and then does not put it off."""
    with on_tcp("-w", "1") as (process, ours):
        ours.sendall(b"tcpmux\r\n")
        assert ours.recv(512) == OK
        while not select.select([ours], [], [], 0.1)[0]:
            ours.sendall(b"x")
        assert read_all(ours) == LATE
        ours.close()
        assert process.wait(proc.PATIENCE) == 0


def test_without_a_deadline_it_waits_for_ever():
    """-w 0: it sleeps with no timer; only the client can end it."""
    with on_tcp("-w", "0") as (process, ours):
        ours.sendall(b"tcp")
        settle(process)
        words = proc.read(process.pid, "syscall").split()
        assert int(words[3], 16) == 0, "ppoll() has a timeout"
        ours.sendall(b"mux\r\n")
        assert ours.recv(512) == OK


@pytest.mark.parametrize("kind", ["tcp", "pipe"])
def test_client_that_reads_nothing_is_dropped(kind):
    """Replies that are not read end the conversation at the deadline."""
    with (on_tcp("-w", "1") if kind == "tcp" else on_pipes("-w", "1")) as (
            process, output):
        os.set_blocking(output.fileno(), False)
        poll = select.poll()
        poll.register(output, select.POLLOUT)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while poll.poll(proc.PATIENCE * 1000):
                with contextlib.suppress(BlockingIOError):
                    os.write(output.fileno(), b"tcpmux\r\n" * 4096)
        assert process.wait(proc.PATIENCE) == 0


@contextlib.contextmanager
def on_pipes(*words):
    """Run it on two pipes: the process and its standard input."""
    with subprocess.Popen([IN_TCPMUXD, *words], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, bufsize=0) as process:
        yield process, process.stdin
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


# Pipes.

def test_refusal_on_a_pipe_ends_at_once():
    """On a pipe nothing lingers: the writer may keep its end open."""
    with on_pipes() as (process, output):
        output.write(b"nosuch\r\n")
        assert process.wait(proc.PATIENCE) == 0
        assert process.stdout.read() == (
            b"-No such service: send HELP and CR LF for a list\r\n")
