"""Conversations with a TCPMUX server, read from text files and played.

A transcript is one file, tests/transcripts/RULE-WHAT.txt; RULE is a rule's
number or "classic".  It is played at every door that can (doors.py), so each
line says what happens on the wire and nothing of how.  # begins a comment.

    mode default lenient    run with these options of in.tcpmuxd; classic
                            is the third
    > "tcpmux\\r"            the client sends this, in one segment
    > end                   the client shuts down its sending side
    ! "x"                   the client sends this as TCP urgent data
    wait deadline           the client stays silent until its time is up
    < "+OK FINE\\r\\n"        the server says this, byte for byte
    < nothing               the server has read all, and says nothing
    < end                   the server closes, in good order

A string is made of printable ASCII and the escapes \\r \\n \\0 \\xHH \\\\ \\";
"x"*255 repeats it.  Several on one line, and on lines below that hold strings
alone, are one segment.
"""

import pathlib
import re

FOLDER = pathlib.Path(__file__).parent / "transcripts"
MODES = ("default", "lenient", "classic")

STRING = re.compile(r'\s*"((?:[^"\\]|\\.)*)"(?:\*(\d+))?')
ESCAPE = re.compile(rb'\\(x[0-9a-fA-F]{2}|[rn0\\"])')
ESCAPES = {b"r": b"\r", b"n": b"\n", b"0": b"\0", b"\\": b"\\", b'"': b'"'}
WORDS = ("> end", "< end", "< nothing", "wait deadline")
SENDS = (">", "!", "> end")


class Mistake(Exception):
    """The transcript itself cannot be read."""


def unescape(text):
    """The bytes that stand between two quotes."""
    def byte(match):
        code = match.group(1)
        if code in ESCAPES:
            return ESCAPES[code]
        return bytes([int(code[1:], 16)])

    raw = text.encode("ascii")
    if b"\\" in ESCAPE.sub(b"", raw):
        raise Mistake(f"unknown escape in {text}")
    return ESCAPE.sub(byte, raw)


def parse_strings(text):
    """The bytes of one or more strings, joined."""
    data, end = b"", 0
    while end < len(text):
        match = STRING.match(text, end)
        if match is None:
            raise Mistake(f"not a string: {text[end:]}")
        data += unescape(match.group(1)) * int(match.group(2) or 1)
        end = match.end()
    return data


class Transcript:
    """What one file says: modes, and steps of (line, verb, data)."""

    def __init__(self, path):
        self.path = path
        self.modes = ()
        self.steps = []
        for number, line in enumerate(path.read_text().split("\n"), 1):
            try:
                self.parse_line(number, line.strip())
            except (Mistake, UnicodeEncodeError) as error:
                raise Mistake(f"{path.name}:{number}: {error}") from None
        if not self.modes or not self.steps:
            raise Mistake(f"{path.name}: no mode, or nothing happens")

    def parse_line(self, number, line):
        """Add what one line says."""
        verb, _, rest = line.partition(" ")
        if verb == "mode":
            self.modes = tuple(rest.split("#")[0].split())
            if not set(self.modes) <= set(MODES):
                raise Mistake(f"unknown mode in {line}")
        elif line in WORDS:
            self.steps.append((number, line, b""))
        elif verb in ("<", ">", "!"):
            self.steps.append((number, verb, parse_strings(rest)))
        elif line.startswith('"') and self.steps:
            begun, verb, data = self.steps[-1]
            self.steps[-1] = begun, verb, data + parse_strings(line)
        elif line and verb != "#":
            raise Mistake(f"unknown step: {line}")

    def has(self, verb):
        """Is there such a step?"""
        return any(step[1] == verb for step in self.steps)


def load():
    """Every transcript, in the order of their names."""
    return [Transcript(path) for path in sorted(FOLDER.glob("*.txt"))]


def expect(talk, data):
    """The next bytes from the server are these."""
    heard = talk.read(len(data))
    assert heard == data, f"the server said {heard}, not {data}"


def expect_nothing(talk):
    """The server has read what there is, and has neither spoken nor closed."""
    talk.settle()
    assert not talk.has_spoken(), f"the server said {talk.read(512)}"


def expect_end(talk):
    """The server has nothing more to say, and has closed."""
    heard = talk.read(512)
    assert heard == b"", f"the server said {heard} instead of closing"


STEPS = {
    ">": lambda talk, data: talk.send(data),
    "!": lambda talk, data: talk.send_urgent(data),
    "<": expect,
    "> end": lambda talk, _: talk.send_end(),
    "< end": lambda talk, _: expect_end(talk),
    "< nothing": lambda talk, _: expect_nothing(talk),
    "wait deadline": lambda talk, _: None,      # the next step waits for it
}


def play(transcript, talk):
    """Play the client's part to talk, and see that the server plays its."""
    before = ""
    for number, verb, data in transcript.steps:
        try:
            if before in SENDS and verb in SENDS:
                talk.settle()       # so that it meets segment by segment
            STEPS[verb](talk, data)
        except (AssertionError, OSError) as error:
            raise AssertionError(
                f"{transcript.path.name}:{number}: {error}") from error
        before = verb
