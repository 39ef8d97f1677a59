"""Reach and offer services by TCPMUX, the TCP Port Service Multiplexer.

RFC 1078: one port, every service by its name.  To reach one:

    with tcpmux.connect("db.example.org", "postgres") as connection:
        connection.sendall(b"hello")

    reader, writer = await tcpmux.open_connection("localhost", "echo")

    print(tcpmux.list("localhost"))

To offer one to the tcpmuxd of this machine, and take its connections:

    with tcpmux.listen("web") as offer:
        while True:
            connection, caller = offer.accept()

    async with await tcpmux.start_server(callback, "web") as server:
        await server.serve_forever()

To ask the tcpmuxd of this machine, as tcpmuxctl(8) does:

    print(tcpmux.ask("snapshot").more)

A connection is an ordinary socket, on which the service is next to speak and
be spoken to.  Whatever fails raises Error, an OSError with the attributes code
and text.  Times are in seconds, and None is for ever.  An object may be used
by one thread at a time.  Behind it are tcpmux_call(3), tcpmux_listen(3) and
tcpmux_ask(3).
"""

from __future__ import annotations

import asyncio
import ctypes
import enum
import errno
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Union

__all__ = ["PORT", "Answer", "Caller", "Code", "Error", "Offer", "Server",
           "Timeout", "ask", "connect", "list", "listen", "open_connection",
           "reply", "start_server"]

PORT = 1

Names = Union[str, Sequence[str]]
Callback = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


# Why something failed: enum tcpmux_err of tcpmux.h, from its last to -1.
Code = enum.IntEnum("Code", """NO_DAEMON MOVED FOREIGN CLOSED REFUSED TIMEOUT
    UNREACHABLE HOST ARGUMENT SYSTEM AGAIN ROOM SIGN LF CR BYTE LONG EMPTY""",
                    start=-18)


class Error(OSError):
    """What failed: code says why, text what the other side said of it.

    more is what ask() was told besides.
    """

    more = ""

    def __init__(self, code: int, text: str = "", number: int | None = None):
        self.code = Code(code)
        self.text = text
        more = text or (os.strerror(number) if number else "")
        sentence = _library.tcpmux_strerror(code).decode()
        super().__init__(number, f"{sentence}: {more}" if more else sentence)

    def __str__(self) -> str:
        return self.strerror


class Timeout(Error, TimeoutError):
    """It took too long."""


class Answer(NamedTuple):
    """What the daemon has answered."""

    text: str               # behind the sign
    more: str               # what there was to say besides, or ""


class Caller(NamedTuple):
    """Who has connected."""

    peer: tuple             # an address, behind any proxy
    local: tuple
    name: str               # of the service, as it was offered
    since: float            # when, by time.monotonic()
    listener: int           # which of the daemon's, from 0
    proxied: bool           # a PROXY header said who it is
    early: bool             # it has spoken already


class _Target(ctypes.Structure):
    """struct tcpmux_target."""

    _fields_ = [("size", ctypes.c_size_t), ("host", ctypes.c_char_p),
                ("port", ctypes.c_uint16),
                ("names", ctypes.POINTER(ctypes.c_char_p)),
                ("nnames", ctypes.c_size_t), ("flags", ctypes.c_uint),
                ("timeout_ms", ctypes.c_int)]


class _Caller(ctypes.Structure):
    """struct tcpmux_caller."""

    _fields_ = [("size", ctypes.c_size_t), ("since", ctypes.c_int64),
                ("peer", ctypes.c_uint64 * 16),     # sockaddr_storage
                ("local", ctypes.c_uint64 * 16),
                ("listener", ctypes.c_uint32), ("proxied", ctypes.c_uint32),
                ("early", ctypes.c_uint32), ("name", ctypes.c_char * 256),
                ("zero", ctypes.c_uint32)]


def _load() -> ctypes.CDLL:
    """The library, with the types of what is called in it."""
    text, number, handle = ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p
    caller, size = ctypes.POINTER(_Caller), ctypes.c_size_t
    types = {
        "accept": (number, handle, caller, number),
        "accept_silent": (number, handle, caller, number),
        "ask": (number, text, text, number, text, ctypes.POINTER(number)),
        "call_fd": (number, handle),
        "call_free": (None, handle),
        "call_name": (text, handle, size),
        "call_names": (size, handle),
        "call_new": (handle, ctypes.POINTER(_Target)),
        "call_step": (number, handle),
        "call_take": (number, handle),
        "call_text": (text, handle),
        "close": (None, handle),
        "listen": (number, text, text, ctypes.c_uint, ctypes.POINTER(handle)),
        "offer_fd": (number, handle),
        "offer_is_up": (number, handle),
        "offer_text": (text, handle),
        "reply": (number, number, ctypes.c_char, text),
        "strerror": (text, number),
    }
    try:
        library = ctypes.CDLL("libtcpmux.so.0", use_errno=True)
    except OSError:     # the system does not look where it was installed
        library = ctypes.CDLL("@LIBDIR@/libtcpmux.so.0", use_errno=True)
    for name, (result, *arguments) in types.items():
        function = getattr(library, f"tcpmux_{name}")
        function.restype = result
        function.argtypes = arguments
    return library


_library = _load()


def _bytes(text: str) -> bytes:
    """A string for C, which would be cut at a NUL."""
    data = os.fsencode(text)
    if b"\0" in data:
        raise ValueError("embedded null character")
    return data


def _error(code: int, text: str = "") -> Error:
    """What to raise for a code of the library."""
    if code == Code.TIMEOUT:
        return Timeout(code, text, errno.ETIMEDOUT)
    has_errno = code in (Code.SYSTEM, Code.UNREACHABLE)
    return Error(code, text, ctypes.get_errno() if has_errno else None)


def _milliseconds(timeout: float | None) -> int:
    """A time for C, whose longest is some weeks."""
    if timeout is None:
        return -1
    return max(0, -int(-min(timeout, 2e6) * 1000 // 1))


def _wait(fd: int, timeout: float | None = None) -> None:
    """Wait for input in Python, so that Ctrl-C ends it."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.poll(_milliseconds(timeout))


async def _readable(fd: int) -> None:
    """The same for asyncio."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.add_reader(fd, lambda: future.done() or future.set_result(None))
    try:
        await future
    finally:
        loop.remove_reader(fd)


# Reaching a service.

class _Call:
    """A struct tcpmux_call, which is freed behind its with."""

    def __init__(self, host: str, names: Names, port: int,
                 timeout: float | None):
        if not 0 <= port <= 65535:      # ctypes would cut it in silence
            raise OverflowError("port must be 0-65535")
        names = [names] if isinstance(names, str) else names
        self.call = _library.tcpmux_call_new(_Target(
            ctypes.sizeof(_Target), _bytes(host), port,
            (ctypes.c_char_p * len(names))(*map(_bytes, names)), len(names),
            0, _milliseconds(timeout)))
        if not self.call:
            raise _error(Code.SYSTEM)
        self.fd = _library.tcpmux_call_fd(self.call)

    def __enter__(self) -> _Call:
        return self

    def __exit__(self, *_):
        _library.tcpmux_call_free(self.call)

    def step(self) -> bool:
        """Go on without waiting; has it succeeded?"""
        code = _library.tcpmux_call_step(self.call)
        if code not in (0, Code.AGAIN):
            raise _error(code, _library.tcpmux_call_text(self.call).decode())
        return code == 0

    def finish(self) -> None:
        """Wait until it has succeeded."""
        while not self.step():
            _wait(self.fd)


def connect(host: str, name: Names, port: int = PORT,
            timeout: float | None = None) -> socket.socket:
    """Connect to the service name of host.

    host is a name, an address, or unix:PATH.  Several names lead through one
    multiplexer to the next.
    """
    with _Call(host, name, port, timeout) as call:
        call.finish()
        return socket.socket(fileno=_library.tcpmux_call_take(call.call))


def list(host: str, port: int = PORT, timeout: float | None = None):
    """The names of the services of host, a list of str."""
    with _Call(host, (), port, timeout) as call:
        call.finish()
        return [_library.tcpmux_call_name(call.call, place).decode()
                for place in range(_library.tcpmux_call_names(call.call))]


async def open_connection(
        host: str, name: Names, port: int = PORT, timeout: float | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as connect() does, for asyncio."""
    with _Call(host, name, port, timeout) as call:
        while not call.step():
            await _readable(call.fd)
        connection = socket.socket(
            fileno=_library.tcpmux_call_take(call.call))
    try:
        return await asyncio.open_connection(sock=connection)
    except BaseException:
        connection.close()
        raise


# Offering one.

def _address(storage: ctypes.Array) -> tuple:
    """A sockaddr_storage as the socket module has it; () if it has none."""
    family, = struct.unpack_from("=H", storage)
    port, first, rest, scope = struct.unpack_from("!H4s16s4s", storage, 2)
    if family == socket.AF_INET:
        return socket.inet_ntop(family, first), port
    if family == socket.AF_INET6:
        return (socket.inet_ntop(family, rest), port,
                int.from_bytes(first, "big"),
                int.from_bytes(scope, sys.byteorder))
    return ()


def reply(connection: socket.socket, sign: str, text: str = "") -> None:
    """Say + or - to a connection of accept(silent=True)."""
    code = _library.tcpmux_reply(connection.fileno(), _bytes(sign),
                                 _bytes(text))
    if code != 0:
        raise _error(code)


class Offer:
    """A name that is offered to the tcpmuxd of this machine; also listen().

    share it with others of this user that do, too; replace whoever of this
    user has it; hidden: no list has it; wait: no daemon yet is no error.
    control is the path of the control socket, if it is not where
    tcpmux_listen(3) looks.  When the daemon has gone, the name is offered
    again as soon as there is one; accept() does that on the way.
    """

    _offer = None

    def __init__(self, name: str, *, share: bool = False,
                 replace: bool = False, hidden: bool = False,
                 wait: bool = False, control: str | None = None):
        offer = ctypes.c_void_p()
        code = _library.tcpmux_listen(
            None if control is None else _bytes(control), _bytes(name),
            share | replace << 1 | hidden << 2 | wait << 3,
            ctypes.byref(offer))
        self._offer = offer.value
        if code != 0:
            raise _error(code, self.text if offer else "")

    def _handle(self) -> int:
        if self._offer is None:
            raise ValueError("the offer is closed")
        return self._offer

    def fileno(self) -> int:
        """A descriptor that has input when it is time for accept()."""
        return _library.tcpmux_offer_fd(self._handle())

    @property
    def is_up(self) -> bool:
        """Is a daemon there, and has it taken the offer?"""
        return bool(_library.tcpmux_offer_is_up(self._handle()))

    @property
    def text(self) -> str:
        """What the daemon said last: the name, or what is wrong."""
        return _library.tcpmux_offer_text(self._handle()).decode()

    def take(self, silent: bool = False
             ) -> tuple[socket.socket, Caller] | None:
        """The next connection, as accept() has it; None if none has come."""
        caller = _Caller(ctypes.sizeof(_Caller))
        function = (_library.tcpmux_accept_silent if silent
                    else _library.tcpmux_accept)
        fd = function(self._handle(), caller, 0)
        if fd == Code.AGAIN:
            return None
        if fd < 0:
            raise _error(fd, self.text if fd == Code.REFUSED else "")
        return socket.socket(fileno=fd), Caller(
            _address(caller.peer), _address(caller.local),
            caller.name.decode(), caller.since / 1000, caller.listener,
            bool(caller.proxied), bool(caller.early))

    def accept(self, timeout: float | None = None, *, silent: bool = False
               ) -> tuple[socket.socket, Caller]:
        """Take the next connection and say + to it, unless silent.

        Raises Timeout if none comes in time; Error with Code.REFUSED if the
        daemon has ended the offer; or Error with errno EMFILE if there is no
        descriptor for it, and it waits until there is one.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            taken = self.take(silent)
            if taken is not None:
                return taken
            rest = None if end is None else end - time.monotonic()
            if rest is not None and rest <= 0:
                raise _error(Code.TIMEOUT)
            _wait(self.fileno(), rest)

    async def accept_async(self, *, silent: bool = False
                           ) -> tuple[socket.socket, Caller]:
        """The same for asyncio, and one task at a time."""
        await asyncio.sleep(0)      # others have their turn in a flood
        while True:
            taken = self.take(silent)
            if taken is not None:
                return taken
            await _readable(self.fileno())

    def __aiter__(self) -> Offer:
        return self

    async def __anext__(self) -> tuple[socket.socket, Caller]:
        return await self.accept_async()

    def close(self) -> None:
        """Withdraw it; connections that were accepted stay."""
        if self._offer is not None:
            _library.tcpmux_close(self._offer)
        self._offer = None

    def __enter__(self) -> Offer:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


listen = Offer


class Server:
    """What start_server() gives, much as an asyncio.Server."""

    def __init__(self, callback: Callback, offer: Offer):
        self.offer = offer
        self._callback = callback
        self._task = asyncio.get_running_loop().create_task(self._serve())
        self._task.add_done_callback(lambda _: offer.close())

    async def _serve(self) -> None:
        while True:
            try:
                connection, _ = await self.offer.accept_async()
                await self._start(connection)
            except Error as error:
                if error.code != Code.SYSTEM:
                    raise
                await asyncio.sleep(1)      # no descriptor is free
            except OSError:
                pass                        # the peer has gone already

    async def _start(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: asyncio.StreamReaderProtocol(
                    asyncio.StreamReader(), self._callback), connection)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Withdraw the name; connections stay."""
        self._task.cancel()

    async def wait_closed(self) -> None:
        """Wait until it is; raises Error if the daemon has ended it."""
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def serve_forever(self) -> None:
        """Serve until it is closed, or the daemon ends it."""
        try:
            await self.wait_closed()
        finally:
            self.close()

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *_) -> None:
        self.close()
        await self.wait_closed()


async def start_server(callback: Callback, name: str, **options) -> Server:
    """Offer name as listen() does; call callback(reader, writer) for each.

    callback is that of asyncio.start_server().
    """
    offer = await asyncio.to_thread(listen, name, **options)
    return Server(callback, offer)


# Asking the daemon.

def _read(fd: int) -> str:
    """A file from its start to its end."""
    pieces, size = [], 0
    while piece := os.pread(fd, 1 << 20, size):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces).decode(errors="backslashreplace")


def ask(request: str, timeout: float | None = 10,
        control: str | None = None) -> Answer:
    """Ask the tcpmuxd of this machine: request is of tcpmux-control(7).

    control is the path of the control socket, if it is not where
    tcpmux_listen(3) looks.  Raises Error with Code.REFUSED, and what the
    daemon has said in text and more, if the answer is no.
    """
    answer, fd = ctypes.create_string_buffer(512), ctypes.c_int()
    code = _library.tcpmux_ask(None if control is None else _bytes(control),
                               _bytes(request), _milliseconds(timeout),
                               answer, ctypes.byref(fd))
    text, more = answer.value.decode(errors="backslashreplace"), ""
    if fd.value != -1:
        with open(fd.value, "rb", 0):       # closes it
            more = _read(fd.value)
    if code == 0:
        return Answer(text, more)
    error = _error(code, text)
    error.more = more
    raise error
