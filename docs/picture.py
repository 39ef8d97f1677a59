#!/usr/bin/env python3
"""A picture of a terminal, from a session that really takes place.

usage: picture.py [--compare] FILE.svg

Each command runs at a terminal of its own, on a machine of its own as the
tests have it (root only).  What it says is the picture: text, in the colours
that the reader's screen has, light or dark.  With --compare the file stays,
and the status is 1 if it shows anything else, but for the time of day.
"""

import difflib
import html
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests"))

import recipes                      # noqa: E402
import test_recipes                 # noqa: E402
from machine import Machine         # noqa: E402

# Who is at the keyboard, what is typed, and how many lines are waited for if
# it goes on behind.
SESSION = [
    ("#", "cat /etc/tcpmuxd.conf", None),
    ("#", "tcpmuxd &", 2),
    ("$", "tcpmux-offer web --wrap -- python3 -m http.server -d public "
     ">log &", 1),
    ("$", "tcpmux example.org", None),
    ("$", "tcpmux example.org date", None),
    ("$", "tcpmux -L 8080:web example.org &", 2),
    ("$", "curl http://localhost:8080/hello.txt", None),
    ("$", "ssh -o ProxyCommand='tcpmux %h ssh' example.org id -un", None),
    ("$", "printf 'date\\r\\n' | nc -N example.org 1", None),
    ("#", "tcpmuxctl ls", None),
]
CONF = """\
service "date" { exec = {"/bin/date"}  user = "nobody" }
service "ssh"  { relay = "127.0.0.1:22" }
service "web"  { offered-by = {"alice"} }
"""
PATIENCE = 20.0
COLUMNS = 80

STYLE = """\
svg { --paper: #fbfaf7; --ink: #24292e; --edge: #d4d4cf; --prompt: #1a7f37;
  --typed: #0b3d91; }
@media (prefers-color-scheme: dark) { svg { --paper: #14171a; --ink: #cdd3d9;
  --edge: #3a4147; --prompt: #6fcf85; --typed: #9cc9ff; } }
rect { fill: var(--paper); stroke: var(--edge); }
text { fill: var(--ink); white-space: pre; font: 14px ui-monospace,
  "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.p { fill: var(--prompt); } .t { fill: var(--typed); font-weight: bold; }"""
ADVANCE = 8.4           # of a column; and the height of a row
HEIGHT = 19
MARGIN = 16


class Terminal:
    """One command at a terminal, until it ends or has said enough."""

    def __init__(self, words):
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            words, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True)
        os.close(theirs)

    def read(self, lines):
        """What it says, up to so many lines or to its end."""
        said = b""
        end = time.monotonic() + PATIENCE
        while lines is None or said.count(b"\n") < lines:
            if not select.select([self.ours], [], [],
                                 end - time.monotonic())[0]:
                raise TimeoutError(said)
            try:
                more = os.read(self.ours, 65536)
            except OSError:         # nobody has the other side any more
                break
            if not more:
                break
            said += more
        text = re.sub("\r+\n", "\n", said.decode("ascii"))
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", text), text
        return text.splitlines()


def wait_for_rest(machine):
    """Until no connection is left of what was done."""
    end = time.monotonic() + PATIENCE
    while machine.run("root", "tcpmuxctl conns").count("\n") > 1:
        if time.monotonic() > end:
            raise TimeoutError("connections")


def record(machine):
    """The session's lines: (prompt, or "" for an answer; the text)."""
    test_recipes.ssh(machine)
    machine.write("/etc/tcpmuxd.conf", CONF)
    machine.write("~/public/hello.txt", "Hello, by name.\n")
    lines = []
    terminals = []
    try:
        for prompt, command, number in SESSION:
            user = "root" if prompt == "#" else "alice"
            if command == "tcpmuxctl ls":
                wait_for_rest(machine)
            lines.append((prompt, command))
            terminals.append(Terminal(machine.words(
                user, command.removesuffix(" &"))))
            lines += [("", text) for text in terminals[-1].read(number)]
    finally:
        machine.close()
        for each in terminals:
            each.process.wait(PATIENCE)
            os.close(each.ours)
    return lines


def span(kind, text, column):
    """Some text of a row; its width is that of its columns in any font."""
    return (f'<tspan class="{kind}" x="{MARGIN + column * ADVANCE:g}" '
            f'textLength="{len(text) * ADVANCE:g}">{html.escape(text)}'
            "</tspan>")


def draw(lines):
    """The picture."""
    width = 2 * MARGIN + COLUMNS * ADVANCE
    height = 2 * MARGIN + len(lines) * HEIGHT
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" '
           f'height="{height:g}" viewBox="0 0 {width:g} {height:g}" '
           'role="img">', "<title>A session at a terminal</title>",
           f"<style>{STYLE}</style>",
           f'<rect x=".5" y=".5" width="{width - 1:g}" '
           f'height="{height - 1:g}" rx="8"/>']
    for row, (prompt, text) in enumerate(lines):
        y = MARGIN + (row + 1) * HEIGHT - 5
        parts = span("p", prompt, 0) + span("t", text, 2) if prompt else \
            span("o", text, 0)
        out.append(f'<text y="{y}" xml:space="preserve">{parts}</text>')
    return "\n".join([*out, "</svg>", ""])


def shown(picture):
    """The lines that a picture shows."""
    rows = re.findall(r"<text [^>]*>(.*?)</text>", picture)
    parts = [re.findall(r'<tspan class="(.)"[^>]*>(.*?)</tspan>', row)
             for row in rows]
    return [(html.unescape(row[0][1]), html.unescape(row[1][1]))
            if row[0][0] == "p" else ("", html.unescape(row[0][1]))
            for row in parts]


def main():
    """Take the picture, or see whether it is still true."""
    path = pathlib.Path(sys.argv[-1])
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        lines = record(Machine(folder))
    if sys.argv[1] != "--compare":
        path.write_text(draw(lines), "ascii")
        return
    now, before = [[f"{prompt} {recipes.undated(text)}"
                    for prompt, text in each]
                   for each in (lines, shown(path.read_text("ascii")))]
    if now != before:
        sys.exit("\n".join(difflib.unified_diff(before, now, lineterm="")))


if __name__ == "__main__":
    main()
