"""A daemon that answers questions at its control socket, played by a test."""

import contextlib
import os
import socket
import threading

from fake_daemon import send_file

HEAD = """\
tcpmuxd version=0.1.0 pid={pid} user=tcpmux started=1763740000.123 \
now={now}.500 generation=3 reloads=2 upgrades=0 replaced={replaced} \
replaced-last={replaced_last}.500 config=/etc/tcpmuxd.conf state={state} log=refusals sandbox=strict fronts=1
buckets us=50,100,250,500,1000
listener address=0.0.0.0:1 lenient=no proxied=no
listener address=[::]:1 lenient=yes proxied=yes
process role=monitor number=0 pid={pid} generation=3 state=serving \
since=1763740000.123 beat-ms=10 cpu-us=2000 rss-kb=2048 layers=caps,landlock
process role=front number=0 pid={front} generation=3 state={front_state} \
since=1763740000.200 beat-ms={beat} cpu-us=1500000 rss-kb=1100 \
layers={layers}
total accepted={n} waiting=3 lingering=1 requests={n} handed-exec=10 \
handed-relay=20 handed-socket=0 handed-offer=60 help=2 tcpmux=1 \
in={bytes} out=2000000
refused reason=unknown n=7
"""
SERVICE = """\
service name={name} kind={kind} state={up} hidden=no line=3 to={to} \
requests={n} handed={n} refused=0 current=2 queue=1 queue-max=64 in={bytes} \
out=2000 time-us=4000 times=0,1,2,3,4,5
"""


def service(name="ssh", kind="relay", up="up", to="127.0.0.1:22", n=20,
            octets=1000):
    """A line of a service."""
    return SERVICE.format(name=name, kind=kind, up=up, to=to, n=n,
                          bytes=octets)


def snapshot(*services, pid=1, front=1, state="serving", beat=10, n=100,
             octets=1000, replaced=0, replaced_last=0, now=1763743600, layers="user,caps",
             front_state="serving"):
    """The text of a snapshot; what is put in is escaped already."""
    return (HEAD.format(pid=pid, front=front, state=state, beat=beat, n=n,
                        bytes=octets, replaced=replaced, now=now,
                        replaced_last=replaced_last,
                        layers=layers, front_state=front_state) +
            "".join(services)).encode()


class FakeDesk:
    """It answers each question by answers: request -> (line, text or None).

    A request without an answer is taken, and its socket kept; an answer of
    None closes it.
    """

    def __init__(self, path, answers=None):
        self.path = path
        self.answers = answers if answers is not None else {}
        self.requests = []
        self.kept = []
        self.heard = threading.Condition()
        self.start()

    def start(self):
        """Listen at the control socket, once more after stop()."""
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        self.listener.listen(64)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Answer, until it is stopped."""
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                self.answer(sock)

    def answer(self, sock):
        """One question."""
        request = sock.recv(512).decode().removesuffix("\r\n")
        if request not in self.answers:
            self.kept.append(sock)
        with self.heard:
            self.requests.append(request)
            self.heard.notify_all()
        if request in self.answers:
            with sock:
                self.send(sock, self.answers[request])

    @staticmethod
    def send(sock, answer):
        """A line, perhaps with a file; or nothing."""
        if callable(answer):
            answer = answer()
        if answer is None:
            return
        line, text = answer
        if text is None:
            sock.send(line)
        else:
            send_file(sock, line, text)

    def wait_for(self, request, times, patience):
        """Until it has been asked that so often."""
        with self.heard:
            assert self.heard.wait_for(
                lambda: self.requests.count(request) >= times, patience)

    def stop(self):
        """Go, as a daemon that is killed."""
        self.listener.shutdown(socket.SHUT_RDWR)    # nobody waits any more
        self.thread.join()
        self.listener.close()
        os.unlink(self.path)
        for sock in self.kept:
            sock.close()
        self.kept.clear()

    def close(self):
        """End, whether it has stopped or not."""
        if self.listener.fileno() != -1:
            self.stop()
