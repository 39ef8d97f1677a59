"""Random configurations, written in every way that is right."""

import random


class Writer:
    """A random configuration that has no mistake."""

    def __init__(self, seed, is_root):
        self.random = random.Random(seed)
        self.is_root = is_root
        self.names = set()

    def space(self):
        """Anything between two words."""
        return self.random.choice(
            [" ", "\n", "\t", " # a { comment\n", " /* a\n\" comment */ ",
             "\r\n", " // '\n"])

    def quote(self, text):
        """The text in one of the ways to write it."""
        plain = all(c.isalnum() or c in "./:-_" for c in text)
        if plain and text and "//" not in text and \
                self.random.random() < 0.3:
            return text
        if self.random.random() < 0.3:
            return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
        for old, new in (("\\", "\\\\"), ('"', '\\"'), ("${", "\\${"),
                         ("\n", "\\n")):
            text = text.replace(old, new)
        return f'"{text}"'

    def text(self, strange=False):
        """Some text, perhaps with characters that mean something."""
        some = "abc xyz.-_/'\"\\$#{}=,*()\u00e4"
        if strange:
            some += "\n\t"
        return "t" + "".join(self.random.choices(
            some, k=self.random.randint(0, 12)))

    def list(self, values):
        """Values in braces; a single one needs none."""
        if len(values) == 1 and self.random.random() < 0.5:
            return self.quote(values[0])
        comma = self.random.choice([",", ", ", " ,\n"])
        return "{" + comma.join(self.quote(v) for v in values) + "}"

    def some(self, make, most=3, least=1):
        """A list of such values."""
        return [make() for _ in range(self.random.randint(least, most))]

    def network(self):
        """A network."""
        return self.random.choice(
            ["10.0.0.0/8", "192.0.2.1", "0.0.0.0/0", "fd00::/8", "::1",
             "::/0", "::ffff:192.0.2.0/120"])

    def networks(self):
        """A list of them, or none."""
        return self.list(self.some(self.network, least=0))

    def count(self):
        """A number."""
        return str(self.random.choice([0, 1, 7, 1000000000]))

    def time(self):
        """A time that every option takes."""
        return self.random.choice(
            ["1s", "1000ms", "90", "90s", "1500ms", "60m", "24h", "1d"])

    def rate(self):
        """A rate."""
        return self.quote(self.random.choice(
            ["0", "10/1s", "300/60s", "1/250ms", "4294967295/1d"]))

    def offerer(self):
        """A user or group that every machine has."""
        return self.random.choice(["root", "daemon", "%root", "%daemon"])

    def offered_by(self):
        """Some of them, perhaps with names."""
        return self.list(self.some(
            lambda: self.offerer() + self.random.choice(
                ["", ":*", ":web-?", ":A:b*", ":\"'$${"]), least=0))

    def control(self):
        """A place that root can make a socket in, or none."""
        return self.quote(self.random.choice(
            ["/run/tcpmux/control", "/run/a b"] if self.is_root else
            ["none"]))

    def flag(self):
        """A truth."""
        return self.random.choice(["yes", "no", "true", "False", "ON", "off"])

    def name(self):
        """A name that no service has yet."""
        name = "".join(self.random.choices("abcDEF019./!{\"'$", k=8))
        if name.lower() in self.names:
            return self.name()
        self.names.add(name.lower())
        return name

    def pick(self, makers):
        """Some of these options, in any order."""
        chosen = self.random.sample(
            sorted(makers), self.random.randint(0, len(makers)))
        return [f"{name}{self.space()}={self.space()}{makers[name]()}"
                for name in chosen]

    def section(self, head, items):
        """A section."""
        self.random.shuffle(items)
        return head + self.space() + "{" + self.space() + \
            self.space().join(items) + self.space() + "}"

    def kind(self):
        """How a service is served, and the options that go with that."""
        backend = ["127.0.0.1:22", "[::1]:1", "h.example:65535", "unix:/x y"]
        return self.random.choice([
            (f"relay = {self.list(self.some(lambda: self.random.choice(backend)))}",
             {"connect-timeout": self.time, "idle-timeout": self.time,
              "half-closed-timeout": self.time,
              "keep-alive": lambda: self.random.choice(["1s", "90", "9h"]),
              "proxy": lambda: self.random.choice(["none", "v1", "v2"]),
              "ok": lambda: self.quote(self.text())}),
            (f"exec = {self.list(['/bin/true'] + self.some(lambda: self.text(True), least=0))}",
             {"environment": lambda: self.list(["A=" + self.text(True)]),
              "argv0": lambda: self.quote(self.text()),
              "umask": lambda: self.random.choice(["0", "22", "022", "777"]),
              "nice": lambda: str(self.random.randint(-20, 19)),
              "rlimits": lambda: self.list(
                  ["nofile=5:6", "as=1024K", "cpu=unlimited"]),
              "stderr": lambda: self.random.choice(["log", "socket", "null"]),
              "reply": lambda: self.random.choice(["mux", "service"]),
              "directory": lambda: self.quote("/"),
              "no-new-privileges": self.flag}),
            ("builtin = " + self.random.choice(["echo", "discard"]),
             {"max-bytes": lambda: self.random.choice(["1", "64M", "1025K"]),
              "max-time": self.time}),
            ("builtin = daytime", {"ok": lambda: self.quote("")}),
            (f"socket = {self.quote('/nowhere/x')}", {}),
            (f"socket = {self.quote('/nowhere/x')}  reply = mux",
             {"ok": lambda: self.quote(self.text())}),
            (f"offered-by = {self.list(self.some(self.offerer))}", {}),
        ])

    def service(self):
        """A service."""
        kind, options = self.kind()
        options |= {
            "alias": lambda: self.list(self.some(self.name, least=0)),
            "description": lambda: self.quote(self.text()),
            "hidden": self.flag, "from": self.networks,
            "not-from": self.networks, "rate": self.rate}
        if not kind.startswith(("socket", "offered-by")):
            options |= {"max": self.count, "max-per-source": self.count}
        items = self.pick(options) + [kind]
        if kind.startswith("exec") and self.is_root:
            items.append("user = nobody")
        return self.section(
            f"service{self.space()}{self.quote(self.name())}", items)

    def configuration(self):
        """All of it."""
        log = {"to": lambda: self.random.choice(
                   ["stderr", "syslog", "journal", "'/var/log/x'"]),
               "format": lambda: self.random.choice(["text", "json"]),
               "level": lambda: self.random.choice(
                   ["nothing", "refusals", "connections"]),
               "lines": self.rate, "bytes": lambda: "'1M/1s'"}
        listen = {"lenient": self.flag, "from": self.networks,
                  "not-from": self.networks}
        top = {"fronts": lambda: "2", "relays": lambda: "3",
               "request-timeout": self.time, "max": self.count,
               "control": self.control, "offered-by": self.offered_by,
               "offers": lambda: self.random.choice(["rules", "prefix"]),
               "max-offers": lambda: self.random.choice(["1", "65536"]),
               "max-offers-per-user": lambda: "64",
               "sandbox": lambda: self.random.choice(
                   ["strict", "best", "off"]),
               "from": self.networks, "not-from": self.networks,
               "max-per-source": self.count, "rate-per-source": self.rate,
               "wrong-names-per-source": self.rate}
        replies = {word: lambda: self.quote(self.text())
                   for word in ("ok", "busy", "unknown", "late")}
        items = self.pick(top) + self.some(self.service, most=6, least=0)
        items.append(self.section("log", self.pick(log)))
        items.append(self.section("replies", self.pick(replies)))
        items += [self.section(f"listen '{address}'", self.pick(listen))
                  for address in ("*", "127.0.0.1", "::1")]
        self.random.shuffle(items)
        return self.space().join(items) + "\n"
