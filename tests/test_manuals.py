"""The manual as a whole: nothing is without its page, and every page has what
such a page must have."""

import html.parser
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse

import pytest

import offerers
import recipes
import server
from services import need

TOP = pathlib.Path(__file__).parent.parent
PAGES = sorted((TOP / "man").glob("*.[1-9]"))
COMPLETION = TOP / "contrib/completion"
DAEMONS = ("tcpmuxd", "in.tcpmuxd", "tcpmux-exporter")

# Tools that speak to the daemon, and not the protocol.
NO_RFC = {"tcpmuxctl.8", "tcpmux-exporter.8"}

# What a page of a section has, at least; in man(7)'s order or another.
HAS = {
    "1": {"SYNOPSIS", "EXIT STATUS", "EXAMPLES", "STANDARDS"},
    "3": {"LIBRARY", "SYNOPSIS", "RETURN VALUES", "ERRORS", "STANDARDS"},
    "5": {"FILES", "EXAMPLES", "STANDARDS"},
    "7": {"STANDARDS"},
    "8": {"SYNOPSIS", "EXIT STATUS", "EXAMPLES", "STANDARDS"},
}


def heads(text):
    """The titles of a page's sections."""
    return set(re.findall(r'^\.Sh "?(.*?)"?$', text, re.MULTILINE))


def programs():
    """What people can run of what was built, by name."""
    built = [server.BUILD / name for name in ("tcpmuxd", "in.tcpmuxd")]
    for pattern in ("cmd/tcpmux*", "cmd/*/tcpmux*"):
        built += [path for path in server.BUILD.glob(pattern)
                  if path.is_file() and os.access(path, os.X_OK)]
    return {path.name: path for path in built}


def page_of(name):
    """The page of a program."""
    return next((path for path in PAGES
                 if path.stem == name and path.suffix in (".1", ".8")), None)


def usage(program):
    """How it says it is called, on whichever output."""
    return subprocess.run(
        [program, "--help"], stdin=subprocess.DEVNULL, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_has_what_it_must_have(path):
    """Sections; the RFC; no environment without a section of it."""
    text = path.read_text("ascii")
    must = {"NAME", "DESCRIPTION", "SEE ALSO"} | HAS[path.suffix[1:]]
    if path.name in NO_RFC:
        must.remove("STANDARDS")
    assert must <= heads(text)
    assert "RFC 1078" in text.partition("\n.Sh STANDARDS\n")[2] or \
        path.name in NO_RFC
    if path.suffix in (".1", ".8") and "$XDG_RUNTIME_DIR" in text:
        assert "ENVIRONMENT" in heads(text)


def test_pages_are_good_mdoc():
    """mandoc has nothing to say."""
    subprocess.run([need("mandoc"), "-T", "lint", "-W", "warning", *PAGES],
                   check=True)


def test_every_program_has_its_page():
    """And every page of a program has its program, or it is not built."""
    for name in programs():
        assert page_of(name) is not None, name


def test_every_option_is_in_its_page():
    """Of each program's summary, and in each shell's completion."""
    for name, program in programs().items():
        said = usage(program)
        text = page_of(name).read_text("ascii")
        for option in set(re.findall(r"--([a-z][a-z-]*)", said)):
            assert re.search(rf"^\.It Fl -{option}\b", text, re.MULTILINE), \
                (name, option)
            if name in DAEMONS:
                continue
            for file in (f"{name}.bash", f"_{name}", f"{name}.fish"):
                assert option in (COMPLETION / file).read_text("ascii"), \
                    (file, option)


def test_every_function_has_its_page():
    """Each symbol of the library is in a page's name, and is installed."""
    exported = re.findall(r"^\t(tcpmux_\w+);$",
                          (TOP / "lib/libtcpmux.map").read_text("ascii"),
                          re.MULTILINE)
    named = {}
    for path in PAGES:
        head = path.read_text("ascii").partition("\n.Sh LIBRARY")[0]
        for name in re.findall(r"^\.Nm (tcpmux_\w+)", head, re.MULTILINE):
            assert path.suffix != ".3" or named.setdefault(name, path) == path
    assert set(exported) <= set(named)
    extra = set(named) - set(exported) - {path.stem for path in PAGES}
    assert not extra, "no such functions"
    plan = (TOP / "man/meson.build").read_text("ascii")
    for path in PAGES:
        assert f"'{path.name}'" in plan
    for name in set(exported) - {path.stem for path in PAGES}:
        assert f"'{name.removeprefix('tcpmux_')}'" in plan, name


def test_every_reference_among_ours_has_its_page():
    """.Xr of a name of ours."""
    known = {(path.stem, path.suffix[1:]) for path in PAGES}
    for path in PAGES:
        head = path.read_text("ascii").partition(".Nd ")[0]
        for name in re.findall(r"^\.Nm (\S+)", head, re.MULTILINE):
            known.add((name, path.suffix[1:]))
    for path in PAGES:
        for name, section in re.findall(r"^\.Xr (\S+) (\d)",
                                        path.read_text("ascii"),
                                        re.MULTILINE):
            if "tcpmux" in name:
                assert (name, section) in known, path.name


# The manual as web pages.

class Links(html.parser.HTMLParser):
    """What a page refers to, and what can be referred to in it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.marks, self.loaded = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if "id" in told:
            assert told["id"] not in self.marks, told["id"]
            self.marks.add(told["id"])
        if tag == "a" and "href" in told:
            self.links.add(told["href"])
        elif "href" in told or "src" in told:
            self.loaded.add(told.get("href", told.get("src")))


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """The set, by file: what refers to what."""
    need("mandoc")
    folder = tmp_path_factory.mktemp("html")
    subprocess.run([sys.executable, "-B", TOP / "docs/pages.py",
                    TOP / "man", folder], check=True)
    return folder, {path.name: Links(path.read_text("utf-8"))
                    for path in folder.glob("*.html")}


def test_every_link_within_the_set_has_its_target(web):
    """Of files and of places in them."""
    pages = web[1]
    assert len(pages) > len(PAGES)
    for name, page in pages.items():
        assert page.loaded == {"manual.css"}
        for link in page.links:
            file, _, mark = link.partition("#")
            if "://" in link:
                assert not re.search(r"/[^/]*tcpmux", link), (name, link)
                continue
            target = pages[urllib.parse.unquote(file) or name]
            assert not mark or urllib.parse.unquote(mark) in target.marks, \
                (name, link)


def test_the_index_has_every_page(web):
    """And the style sheet is beside it."""
    folder, pages = web
    assert pages["index.html"].links >= set(pages) - {"index.html"}
    assert "url(" not in (folder / "manual.css").read_text("ascii")


# The picture of README.md.

def test_the_picture_shows_what_is_really_said():
    """The same session again, but for the time of day."""
    offerers.needs_root()
    done = subprocess.run(
        [sys.executable, "-B", TOP / "docs/picture.py", "--compare",
         TOP / "docs/session.svg"], check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode()
    picture = (TOP / "docs/session.svg").read_text("ascii")
    assert "docs/session.svg" in (TOP / "README.md").read_text("utf-8")
    assert "<script" not in picture and "://" not in re.sub(
        r'xmlns="[^"]*"|http://localhost', "", picture)
    assert recipes.DATE.search(picture)


# Variables that a part of the sources reads, and the page that has them.
READS = {"cmd/tcpmux": "tcpmux.1", "cmd/offer": "tcpmux-offer.1",
         "cmd/ctl": "tcpmuxctl.8", "cmd/exporter": "tcpmux-exporter.8",
         "daemon": "tcpmuxd.8", "os": "tcpmuxd.8"}
# Those of terminals and shells, which environ(7) has.
EVERYBODYS = {"TERM", "PATH", "COLUMNS", "LINES"}


def test_every_variable_is_in_its_page():
    """Of the environment."""
    for folder, name in READS.items():
        section = (TOP / "man" / name).read_text("ascii").partition(
            "\n.Sh ENVIRONMENT\n")[2].partition("\n.Sh ")[0]
        for path in (TOP / folder).rglob("*.c"):
            read = re.findall(r'getenv\("([A-Z_]+)"\)', path.read_text())
            for variable in set(read) - EVERYBODYS:
                assert re.search(rf"\b{variable}\b", section), \
                    (str(path), variable, name)
