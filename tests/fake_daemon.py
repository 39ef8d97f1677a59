"""A daemon's control socket, played by a test."""

import contextlib
import fcntl
import os
import queue
import socket
import threading

import proc
from services import HANDOVER


def send_file(channel, line, text):
    """A line, and a file that cannot change any more."""
    fd = os.memfd_create("text", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(fd, "r+b", 0) as file:
        file.write(text)            # and its offset is at its end
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE |
                    fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        socket.send_fds(channel, [line], [fd])


class FakeDaemon:
    """It answers each offer in turn, and hands over what it is told to."""

    def __init__(self, path):
        self.path = path
        self.channels = queue.Queue()
        self.requests = []
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.channel = None
        self.threads = []
        self.start()

    def start(self):
        """Listen at the control socket, once more after stop()."""
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        self.listener.listen()

    def stop(self):
        """Go, as a daemon that is killed."""
        self.listener.shutdown(socket.SHUT_RDWR)    # nobody waits any more
        for thread in self.threads:
            thread.join()
        self.threads.clear()
        self.listener.close()
        os.unlink(self.path)
        if self.channel:
            self.channel.close()
        self.channel = None

    def answer_next(self, line, more=None):
        """Answer the next offer or question, perhaps with a file of text."""
        def run():
            with contextlib.suppress(OSError):      # it is stopped
                channel, _ = self.listener.accept()
                self.requests.append(channel.recv(512))
                if more is None:
                    channel.send(line)
                else:
                    send_file(channel, line, more)
                self.channels.put(channel)
        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def connected(self):
        """The channel of the offer that was answered last."""
        self.channel = self.channels.get(timeout=proc.PATIENCE)
        return self.channel

    def hand_over(self, name=b"web", peer="::ffff:192.0.2.7", port=77):
        """Hand a new connection over; the client's end of it."""
        client = socket.create_connection(self.tcp.getsockname(),
                                          proc.PATIENCE)
        taken, _ = self.tcp.accept()
        header = HANDOVER.pack(1, 0, 0, 2, 1500,
                               socket.inet_pton(socket.AF_INET6, peer), port,
                               1, 0, bytes(16), 0, 0, 0, 1, 1, bytes(48))
        socket.send_fds(self.channel, [header + name], [taken.fileno()])
        taken.close()
        return client

    def close(self):
        """End, with all that is held."""
        if self.listener.fileno() != -1:
            self.stop()
        self.tcp.close()
