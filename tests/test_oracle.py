"""tcpmux_parse_request() agrees with an oracle, written as regular
expressions, for every input of 0 to 3 bytes, every single fault of a longest
line, and every split of 64 samples (rules 3 and 20 to 24)."""

import functools
import itertools
import os
import pathlib
import re
import struct
import subprocess

import pytest

MORE, EMPTY, LONG, BYTE, CR, LF = 0, -1, -2, -3, -4, -5
DONE = 1
MODES = ["strict", "lenient"]

# What the beginning of the input may be.  Exactly one of these holds of any
# input, which verdict() asserts; \Z marks what may yet become a request.
RULES = {
    "strict": [
        (DONE, rb"([!-~]{1,255})\r\n"),
        (MORE, rb"[!-~]{0,255}\Z"),
        (MORE, rb"[!-~]{1,255}\r\Z"),
        (EMPTY, rb"\r"),
        (LONG, rb"[!-~]{256}"),
        (BYTE, rb"[!-~]{0,255}[^!-~\r\n]"),
        (CR, rb"[!-~]{1,255}\r[^\n]"),
        (LF, rb"[!-~]{0,255}\n"),
    ],
    "lenient": [
        (DONE, rb"([!-~]{1,255})\r?\n"),
        (MORE, rb"[!-~]{0,255}\Z"),
        (MORE, rb"[!-~]{1,255}\r\Z"),
        (EMPTY, rb"[\r\n]"),
        (LONG, rb"[!-~]{256}"),
        (BYTE, rb"[!-~]{0,255}[^!-~\r\n]"),
        (CR, rb"[!-~]{1,255}\r[^\n]"),
    ],
}
COMPILED = {
    mode: [(answer, re.compile(rule)) for answer, rule in rules]
    for mode, rules in RULES.items()
}

# A byte of each class stands for all bytes of its class.
NAME = bytes(range(0x21, 0x7f))
CLASSES = b"x\r\n\0"
CLASS_OF = bytes(
    ord("x") if byte in NAME else byte if byte in b"\r\n" else 0
    for byte in range(256)
)

LONGEST = b"x" * 255 + b"\r\n"

SAMPLES = [
    # Good requests, alone and with what may stand behind them.
    b"x\r\n",
    b"HELP\r\n",
    b"help\r\n",
    b"tcpmux\r\n",
    b"TcpMux\r\n",
    b"daytime\r\n",
    b"org.example/print@2\r\n",
    b"+ok\r\n",
    b"-no\r\n",
    b"@host:99\r\n",
    b"!\"#$%&'()*+,-./0123456789:;<=>?@[\\]^_`{|}~\r\n",
    b"echo\r\nhello, service\r\n",
    b"echo\r\n\r\n",
    b"echo\r\n\n",
    b"echo\r\n\0",
    b"echo\r\n\xff\xfb\x01",
    b"x\n",
    b"HELP\n",
    b"daytime\n",
    b"echo\n\r\n",
    b"echo\n\0",
    # Several at once.
    b"tcpmux\r\nHELP\r\n",
    b"tcpmux\r\ntcpmux\r\ntcpmux\r\necho\r\n",
    b"tcpmux\nHELP\n",
    b"tcpmux\r\nHELP\ntcpmux\r\n",
    b"tcpmux\nHELP\r\ntcpmux\n",
    b"a\r\nb\r\nc d\r\n",
    b"a\r\n\r\nb\r\n",
    b"a\r\nb\rc\r\n",
    b"tcpmux\r\n" * 20,
    b"a\n" * 40,
    # Not requests.
    b"",
    b"\r\n",
    b"\n",
    b"\r",
    b"\n\r",
    b"\r\r\n",
    b"\0",
    b" ",
    b" echo\r\n",
    b"echo \r\n",
    b"two words\r\n",
    b"tab\there\r\n",
    b"echo\0\r\n",
    b"echo\r\0",
    b"echo\rHELP\r\n",
    b"echo\r\r\n",
    b"del\x7f\r\n",
    b"caf\xc3\xa9\r\n",
    b"\xff\xff\xff\xff",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"EHLO mail.example\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"-NO such\r\n",
    # At the limit.
    LONGEST,
    LONGEST + b"data",
    b"tcpmux\r\n" + LONGEST + b"HELP\r\n",
    b"x" * 255 + b"\n",
    b"x" * 255 + b"\rx",
    b"x" * 255 + b" ",
    b"x" * 256 + b"\r\n",
    b"x" * 600,
    b"x" * 254 + b"\0\r\n",
]


@functools.lru_cache(maxsize=None)
def verdict(mode, classes):
    """The result and the name's length (-1: none) for a string of CLASSES."""
    held = [(answer, match) for answer, rule in COMPILED[mode]
            if (match := rule.match(classes))]
    assert len(held) == 1, (mode, classes, held)
    answer, match = held[0]
    if answer == DONE:
        return match.end(), match.end(1)
    return answer, -1


def oracle(mode, data):
    return verdict(mode, data.translate(CLASS_OF))


def program():
    build = os.environ.get("TCPMUX_BUILD", "build")
    return pathlib.Path(build) / "tests" / "wire-dump"


def dump(mode, kind, stdin=b""):
    return subprocess.run([program(), mode, kind], input=stdin, check=True,
                          stdout=subprocess.PIPE, timeout=60).stdout


def pairs(answers):
    return list(struct.iter_unpack(">hh", answers))


def assert_answers(got, inputs, mode):
    """Each of got is what the oracle says of its one of inputs."""
    assert len(got) == len(inputs)
    for answer, data in zip(got, inputs):
        assert answer == oracle(mode, data), (mode, data)


def short_answer(mode, classes):
    """A byte: the negative error, 0, or the lengths of line and name."""
    result, name_len = verdict(mode, classes)
    return result & 0xff if result <= 0 else result << 4 | name_len


@functools.lru_cache(maxsize=None)
def last_bytes(mode, classes):
    """The short answers for classes and any byte behind them."""
    row = bytearray(256)
    for byte in CLASSES:
        row[byte] = short_answer(mode, classes + bytes([byte]))
    return CLASS_OF.translate(row)


def short_rows(mode):
    """What the short dump has to be, 256 inputs at a time, with the bytes
    that these inputs begin with."""
    yield b"", bytes([short_answer(mode, b"")])
    for length in range(3):
        for first in itertools.product(range(256), repeat=length):
            begin = bytes(first)
            yield begin, last_bytes(mode, begin.translate(CLASS_OF))


def first_difference(row, got):
    return next(i for i, (a, b) in enumerate(zip(row, got)) if a != b)


@pytest.mark.parametrize("mode", MODES)
def test_rule_24_every_input_of_0_to_3_bytes(mode):
    got = dump(mode, "short")
    assert len(got) == 1 + 2**8 + 2**16 + 2**24
    at = 0
    for begin, row in short_rows(mode):
        part = got[at:at + len(row)]
        if part != row:
            last = first_difference(row, part)
            pytest.fail(f"{mode}: {begin + bytes([last])!r}: the answer is "
                        f"{part[last]:#x} and should be {row[last]:#x}")
        at += len(row)
    assert at == len(got)


@pytest.mark.parametrize("mode", MODES)
def test_rule_24_every_byte_anywhere_in_a_longest_line(mode):
    inputs = [LONGEST[:i] + bytes([byte]) + LONGEST[i + 1:]
              for i in range(len(LONGEST)) for byte in range(256)]
    inputs += [LONGEST[:i] for i in range(len(LONGEST) + 1)]
    assert_answers(pairs(dump(mode, "longest")), inputs, mode)


def beginnings(mode, sample):
    """Every beginning of every request of a sample."""
    while True:
        yield from (sample[:i] for i in range(len(sample) + 1))
        result, _ = oracle(mode, sample)
        if result <= 0:
            return
        sample = sample[result:]


@pytest.mark.parametrize("mode", MODES)
def test_rule_21_every_split_of_the_samples(mode):
    stdin = b"".join(struct.pack(">H", len(sample)) + sample
                     for sample in SAMPLES)
    inputs = [data for sample in SAMPLES
              for data in beginnings(mode, sample)]
    assert_answers(pairs(dump(mode, "samples", stdin)), inputs, mode)


def test_the_samples_are_64_and_differ():
    assert len(SAMPLES) == len(set(SAMPLES)) == 64


@pytest.mark.parametrize("mode", MODES)
def test_the_samples_have_every_answer(mode):
    seen = {oracle(mode, data)[0] for sample in SAMPLES
            for data in beginnings(mode, sample)}
    errors = {EMPTY, LONG, BYTE, CR, LF} - ({LF} if mode == "lenient"
                                            else set())
    assert {answer for answer in seen if answer < 0} == errors
    assert MORE in seen and 257 in seen
