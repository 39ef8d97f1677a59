"""What is measured of servers that people have, under tcpmux-offer --wrap, by
the clients that people have for that."""

import os
import shutil
import subprocess

from figures import Figure, Pair
from place import settle_child
from servers import Offering, Unwrapped


class Wrapped(Figure):
    """A server that people have, under tcpmux-offer --wrap and reached by its
    name, against the same server reached directly, by a client that people
    have: through.c makes its connections, and has nothing to do then."""

    server = ""             # what it is called, in servers.py
    program = ""            # that measures it
    at_a_time = 16

    def __init__(self, bench):
        super().__init__(bench)
        self.contenders = {"direct": (Unwrapped, "direct", self.server),
                           "wrapped": (Offering, self.server, self.server)}

    def start(self):
        if shutil.which(self.program) is not None:
            return super().start()
        self.bench.complain(f"{self.title}: {self.program} is not installed")
        return {}

    def words(self, port):
        """The command of the client, behind its name."""
        raise NotImplementedError

    def figure(self, said):
        """The number in what it says."""
        raise NotImplementedError

    def measure(self, server, kind):
        door = server.door(kind)
        env = dict(os.environ)
        port = door.port
        if door.name is not None:
            port = 9        # of a service that nobody has
            env |= {"THROUGH": f"{port}:{door.port}:{door.name}",
                    "LD_PRELOAD": str(self.bench.programs / "through")}
        done = subprocess.run(
            [self.program, *self.words(port)], check=True, env=env,
            stdout=subprocess.PIPE,
            preexec_fn=settle_child(self.bench.client_core))
        return self.figure(done.stdout.decode("ascii"))


class Redis(Wrapped):
    """redis-benchmark, with several connections that stay."""

    title = "redis-benchmark, GET per s"
    pairs = (Pair("wrapped", "direct", 0.95, True),)
    server, program, count = "redis", "redis-benchmark", 200000

    def words(self, port):
        return ["-p", str(port), "-t", "get", "--csv", "-c",
                str(self.at_a_time), "-n", str(self.count // self.bench.share)]

    def figure(self, said):
        return float(said.splitlines()[-1].split(",")[1].strip('"'))


class RedisTrip(Redis):
    """The same with one connection: its round trip."""

    title = "redis-benchmark, us a GET"
    pairs = (Pair("wrapped", "direct", 1.05),)
    at_a_time, count = 1, 50000

    def figure(self, said):
        return 10**6 / super().figure(said)


class Web(Wrapped):
    """wrk, with several connections that stay."""

    title = "wrk, pages per s"
    pairs = (Pair("wrapped", "direct", 0.95, True),)
    server, program, seconds = "web", "wrk", 3

    def words(self, port):
        seconds = max(1, self.seconds // self.bench.share)
        return ["-t1", f"-c{self.at_a_time}", f"-d{seconds}s",
                f"http://127.0.0.1:{port}/page"]

    def figure(self, said):
        if "Non-2xx" in said or "Socket errors" in said:
            raise subprocess.CalledProcessError(1, said)
        line, = [line for line in said.splitlines()
                 if line.startswith("Requests/sec:")]
        return float(line.split()[1])


class WebTrip(Web):
    """The same with one connection: its round trip."""

    title = "wrk, us a page"
    pairs = (Pair("wrapped", "direct", 1.05),)
    at_a_time = 1

    def figure(self, said):
        return 10**6 / super().figure(said)


FIGURES = (Redis, RedisTrip, Web, WebTrip)
