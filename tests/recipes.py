"""The recipes of a manual page, as steps that a test can take."""

import pathlib
import re

TOP = pathlib.Path(__file__).parent.parent
DATE = re.compile(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \w+ \d{4}")
BLOCK = re.compile(r"(^[^\n]*\n)^\.Bd -literal -offset indent\n(.*?)^\.Ed",
                   re.MULTILINE | re.DOTALL)


def pieces(page):
    """What stands before a page's recipes; and then title, text, title..."""
    text = (TOP / "man" / page).read_text("ascii")
    text = text.partition("\n.Sh RECIPES\n")[2].partition("\n.Sh ")[0]
    return re.split(r"^\.Ss (.*)\n", text, flags=re.MULTILINE)


def before(page):
    """What is said of all recipes."""
    return pieces(page)[0]


def sections(page):
    """The subsections of a page's recipes, by their titles."""
    found = pieces(page)
    return dict(zip(found[1::2], found[2::2]))


def plain(text):
    """What a reader sees."""
    return text.replace("\\e", "\\").replace("\\-", "-")


def steps(section):
    """Its steps: ("file", path, text), ("#" or "$", command, shown)."""
    for before, block in BLOCK.findall(section):
        path = re.search(r"^\.Pa (\S+) :\n\Z", before, re.MULTILINE)
        block = plain(block)
        if path:
            yield "file", path[1], block
            continue
        block = block.replace("\\\n    ", "")       # a command goes on
        for prompt, command, shown in re.findall(
                r"^([#$]) (.*)\n((?:(?![#$] ).*\n)*)", block, re.MULTILINE):
            yield prompt, command, shown.splitlines()


def undated(line):
    """A line without its time."""
    return DATE.sub("DATE", line)
