#!/usr/bin/env python3
"""The manual as a set of web pages: pages.py MAN-FOLDER OUTPUT-FOLDER

Each page is mandoc's, with our style sheet; what it refers to is a link, to a
page of the set or, where there is none, to Debian's.
"""

import html
import pathlib
import re
import shutil
import subprocess
import sys

ELSEWHERE = "https://manpages.debian.org/bookworm/{name}.{section}"
SECTIONS = {1: "Programs", 3: "Functions", 5: "Files", 7: "What there is",
            8: "The server"}
STYLE = "manual.css"
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="manual.css">
<title>{title}</title>
</head>
<body>
<nav>{way}</nav>
{body}
</body>
</html>
"""


def names(text):
    """The names that a page is about, and what it says of them."""
    head = text.partition(".Sh NAME\n")[2].partition("\n.Sh ")[0]
    found = re.findall(r"^\.Nm ([^ \n]+)", head, re.MULTILINE)
    return found, re.search(r"^\.Nd (.*)$", head, re.MULTILINE)[1]


def read(source):
    """The pages, by file: (section, names, what they are)."""
    pages = {}
    for path in sorted(source.glob("*.[1-9]"), key=lambda path: path.stem):
        found, purpose = names(path.read_text("ascii"))
        section = int(path.suffix[1:])
        known = dict.fromkeys([path.stem, *found])
        pages[path] = (section, list(known), purpose)
    return pages


def write(target, title, way, body):
    """One page of the set."""
    target.write_text(PAGE.format(title=html.escape(title), way=way,
                                  body=body), "utf-8")


def convert(path, known):
    """The body of a page; known are the files of the set."""
    def place(match):
        name, section = match[1], match[2]
        target = f"{name}.{section}.html"
        if target not in known:
            target = ELSEWHERE.format(name=name, section=section)
        return f'href="{target}"'

    done = subprocess.run(
        ["mandoc", "-T", "html", "-O", "fragment,man=xr:%N.%S", path],
        stdout=subprocess.PIPE, check=True)
    body = re.sub(r'href="xr:([^"]+)\.([^".]+)"', place, done.stdout.decode())
    return re.sub(r"\n *<dd[^>]*>(&#x00A0;)?</dd>", "", body)   # of nothing


def index(pages):
    """All pages, by section."""
    body = ["<h1>tcpmuxd</h1>", "<p>One port, every service, by name. Start "
            'with <a href="tcpmux.7.html">tcpmux(7)</a>.</p>']
    for section, title in SECTIONS.items():
        here = [(found, purpose, path) for path, (number, found, purpose)
                in pages.items() if number == section]
        if not here:
            continue
        body.append(f'<h2 id="{section}">{section} {title}</h2>\n<dl>')
        for found, purpose, path in here:
            links = ", ".join(
                f'<a href="{name}.{section}.html">{name}</a>'
                for name in found if name != path.stem or name in found[:1])
            body.append(f"<dt>{links}</dt>\n<dd>"
                        f"{html.escape(purpose)}</dd>")
        body.append("</dl>")
    return "\n".join(body)


def main(source, folder):
    """Write the set."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = read(source)
    targets = {path: [folder / f"{name}.{section}.html" for name in found]
               for path, (section, found, _) in pages.items()}
    known = {target.name for each in targets.values() for target in each}
    for path, each in targets.items():
        way = (f'<a href="index.html">tcpmuxd</a> '
               f'<a href="index.html#{path.suffix[1:]}">section '
               f"{path.suffix[1:]}</a>")
        body = convert(path, known)
        for target in each:
            write(target, f"{path.stem}({path.suffix[1:]})", way, body)
    write(folder / "index.html", "tcpmuxd: manual", "", index(pages))
    shutil.copy(pathlib.Path(__file__).with_name(STYLE), folder)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
