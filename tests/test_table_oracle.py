"""Tables of random services answer as a few lines of Python do (rules 4, 10,
29 and 33)."""

import dataclasses
import ipaddress
import random
import subprocess

from server import BUILD

NETWORKS = ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.1", "2001:db8::/32", "::1"]
PEERS = ["10.1.2.3", "10.2.2.3", "192.0.2.1", "192.0.2.2", "2001:db8::7",
         "::1"]

# Few letters, so that names meet; the signs that HELP cannot list; and the
# bytes that differ from letters in the bit that is the letters' case.
BYTES = "aAbBcC-+@`[{"


@dataclasses.dataclass
class Service:
    """A service as it is configured."""
    name: str
    hidden: bool = False
    access: str = "-"
    aliases: tuple = ()

    def allows(self, peer, default):
        network = default if self.access == "-" else self.access
        if network == "*":
            return True
        return ipaddress.ip_address(peer) in ipaddress.ip_network(network)


@dataclasses.dataclass
class Table:
    """What table.c is to make of services."""
    default: str
    services: list
    names: dict = dataclasses.field(default_factory=dict)
    taken: set = dataclasses.field(default_factory=set)
    twice: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        for service in self.services:
            for name in (service.name, *service.aliases):
                first = self.names.setdefault(name.lower(), service)
                if name.lower() in self.taken:
                    self.twice.append(f"{first.name} {service.name}")
                self.taken.add(name.lower())

    def ask(self, peer, name):
        if name.lower() == "help":
            return "help"
        service = self.names.get(name.lower())
        if service is None:
            return "refuse -"
        if not service.allows(peer, self.default):
            return f"refuse {service.name}"
        if service is self.services[0]:
            return "next"
        return f"over {service.name}"

    def help(self, peer):
        listed = [service.name for service in self.services
                  if not service.hidden and service.name[0] not in "+-"
                  and service.allows(peer, self.default)]
        return sorted(listed, key=str.lower)


def random_name(rnd):
    if rnd.random() < 0.05:
        return rnd.choice(["tcpmuX", "TCPMUX2", "helpx", "hel"])
    return "".join(rnd.choices(BYTES, k=rnd.choice([1, 2, 2, 3, 3, 40])))


def random_table(rnd, count):
    """A table without two services of one name."""
    seen = {"tcpmux"}

    def fresh():
        while (name := random_name(rnd)).lower() in seen:
            pass
        seen.add(name.lower())
        return name

    services = [Service("tcpmux")]
    for _ in range(count):
        services.append(Service(
            fresh(), rnd.random() < 0.2,
            rnd.choice(["-", "-", "*", *NETWORKS]),
            tuple(fresh() for _ in range(rnd.choice([0, 0, 1, 3])))))
    return Table(rnd.choice(["*", *NETWORKS]), services)


def commands(table):
    """How table-dump is told to make a table."""
    lines = ["new"]
    if table.default != "*":
        lines.append(f"from {table.default}")
    for service in table.services[1:]:
        lines.append(" ".join(["add", service.name,
                               str(int(service.hidden)), service.access,
                               *service.aliases]))
    return [*lines, "finish"]


def dump(lines):
    """The answer to each line: a list of lines."""
    done = subprocess.run(
        [BUILD / "tests" / "table-dump"], check=True, stdout=subprocess.PIPE,
        input="".join(line + "\n" for line in lines).encode())
    answers, answer = [], []
    for line in done.stdout.decode().replace("\r\n", "\n").split("\n"):
        if line:
            answer.append(line)
        else:
            answers.append(answer)
            answer = []
    assert len(answers) == len(lines) + 1
    return answers


def test_names_and_help():
    rnd = random.Random(4)
    lines, expected = [], []
    for _ in range(300):
        table = random_table(rnd, rnd.choice([0, 1, 2, 5, 20, 60]))
        made = commands(table)
        lines += made
        expected += [[]] * len(made)
        names = [*table.names, "help", "tcpmux", *(
            random_name(rnd) for _ in range(50))]
        for name in names:
            peer = rnd.choice(PEERS)
            name = rnd.choice([name, name.upper(), name.swapcase()])
            lines.append(f"ask {peer} {name}")
            expected.append([table.ask(peer, name)])
        for peer in PEERS:
            lines.append(f"help {peer}")
            expected.append(table.help(peer))
    for line, want, got in zip(lines, expected, dump(lines)):
        assert got == want, line


def test_two_services_of_one_name():
    """All pairs are told, in the order in which they were added."""
    rnd = random.Random(5)
    lines, expected = [], []
    for _ in range(300):
        services = [Service("tcpmux")]
        for _ in range(rnd.randint(1, 12)):
            services.append(Service(
                random_name(rnd)[:2], aliases=tuple(
                    random_name(rnd)[:2] for _ in range(rnd.randint(0, 3)))))
        table = Table("*", services)
        made = commands(table)
        lines += made
        expected += [[]] * (len(made) - 1) + [table.twice]
    assert sum(map(len, expected)) > 500
    for line, want, got in zip(lines, expected, dump(lines)):
        assert got == want, line
