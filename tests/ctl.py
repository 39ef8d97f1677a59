"""tcpmuxctl, run by a test."""

import json
import subprocess

import proc
import server

CTL = server.BUILD / "cmd" / "tcpmuxctl"


class Ctl:
    """It asks at one control socket, as one user."""

    def __init__(self, control, prefix=()):
        self.control = control
        self.prefix = prefix

    def run(self, *words, **popen):
        """Run it to its end: (status, output, what it says)."""
        popen.setdefault("stdout", subprocess.PIPE)
        done = subprocess.run(
            [*self.prefix, CTL, "--control", self.control, *words],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
            timeout=3 * proc.PATIENCE, **popen)
        return (done.returncode, (done.stdout or b"").decode("ascii"),
                done.stderr.decode("ascii"))

    def out(self, *words):
        """The output of what must succeed, and say nothing."""
        status, out, said = self.run(*words)
        assert (status, said) == (0, ""), (status, out, said)
        return out

    def json(self, *words):
        """The document of what must succeed."""
        return json.loads(self.out(*words, "--json"))

    def rows(self, *words):
        """The cells of a table, by their titles."""
        title, *lines = self.out(*words).splitlines()
        return [dict(zip(title.split(), line.split())) for line in lines]

    def assert_fails(self, status, *words, says="", **popen):
        """It must fail so, with one sentence at the end; return all said."""
        got, out, said = self.run(*words, **popen)
        assert got == status, (got, out, said)
        assert not out, out
        last = said.rstrip("\n").rpartition("\n")[2]
        assert last.startswith("tcpmuxctl: ") and says in last, said
        return said
