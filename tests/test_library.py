"""libtcpmux as strangers use it: linked both ways, from any thread, and with
nothing in it but what its header says."""

import contextlib
import os
import pathlib
import re
import subprocess

import pytest

import test_import
from services import as_nobody

TOP = pathlib.Path(__file__).parent.parent
BUILD = pathlib.Path(os.environ.get("TCPMUX_BUILD", "build")).resolve()
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{TOP}/include"]
GNU = """\
tcpmux stream tcp nowait root internal
tcpmux/+hello stream tcp nowait nobody /bin/echo echo hello
7201 stream tcp nowait nobody /bin/cat cat
"""
XINETD = test_import.XINETD_DEFAULTS + "".join(f"""\
service {name}
{{{{
	type = {kind} UNLISTED
	socket_type = stream
	protocol = tcp
	user = nobody
	wait = no
	port = {port}
	flags = NOLIBWRAP
	server = /bin/echo
	server_args = hello
}}}}
""" for name, kind, port in [("hello", "TCPMUXPLUS", 7200), ("7201", "", 7201)])
SAYS = ('service "hello" { exec = {"/bin/echo", "hello"}  ' +
        as_nobody() + " }\n")


def run(*argv, status=0):
    """Run a command to its end; its output, or a failed test with it."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=60,
                          stderr=subprocess.STDOUT, check=False)
    assert done.returncode == status, done.stdout
    return done.stdout


def symbols(*options):
    """What nm knows: a set of (kind, name)."""
    return set(re.findall(r" ([A-Za-z]) ([\w.]+)(?:@@LIBTCPMUX_0)?$",
                          run("nm", *options), re.MULTILINE))


def is_instrumented():
    return "__asan" in run("nm", BUILD / "lib/libtcpmux.a")


@pytest.fixture(scope="module", params=["static", "shared"])
def reach(request, tmp_path_factory):
    """tests/programs/reach.c, linked in one way: a function to run it."""
    if is_instrumented():
        pytest.skip("a library under a sanitizer wants its programs so, too")
    program = tmp_path_factory.mktemp("reach") / "reach"
    lib = BUILD / "lib"
    link = [lib / "libtcpmux.a"] if request.param == "static" else [
        f"-L{lib}", "-ltcpmux", f"-Wl,-rpath,{lib}"]
    run("cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", *STRICT,
        TOP / "tests/programs/reach.c", "-o", program, *link, "-pthread")
    return lambda *words, status=0: run(program, *words, status=status)


@pytest.fixture
def hello(tcpmuxd):
    """The address, as words, of a daemon that serves "hello"."""
    host, port = tcpmuxd(conf=SAYS).addresses[0]
    return host, str(port)


@pytest.mark.parametrize("how", ["connect", "poll"])
def test_a_program_reaches_a_service(reach, hello, how):
    assert reach(how, *hello, "HELLO") == "hello\n"


def test_many_threads_reach_a_service_at_a_time(reach, hello):
    assert reach("threads", *hello, "hello") == "0 threads failed\n"


def test_a_name_is_looked_up_in_every_thread(reach, hello):
    assert reach("threads", "localhost", hello[1],
                 "hello") == "0 threads failed\n"


@contextlib.contextmanager
def peer(name, conf, folder):
    """Be in the network of a server that others wrote."""
    if os.getuid() != 0:
        pytest.skip("only root can make a network")
    path = pathlib.Path(folder) / f"{name}.conf"
    path.write_text(conf.format(folder=folder, probe="/bin/true"))
    with test_import.start_theirs(test_import.THEM[name], path,
                                  pathlib.Path(folder)) as theirs, \
            test_import.inside(theirs.namespace):
        yield


def test_rule_35_gnus_inetd_is_reached(reach, folder):
    with peer("gnu", GNU, folder):
        assert reach("connect", "127.0.0.1", "0", "Hello") == "hello\n"
        assert reach("list", "127.0.0.1", "0", "") == "hello\n"
        assert reach("connect", "127.0.0.1", "0", "nix", status=1) == \
            "the other side refused\n"


def test_rule_35_xinetd_is_reached(reach, folder):
    """It sends a NUL behind each reply, and refuses to list."""
    with peer("xinetd", XINETD, folder):
        assert reach("lenient", "127.0.0.1", "0", "Hello") == "hello\n"
        assert reach("connect", "127.0.0.1", "0", "hello") == "\0hello\n"
        assert reach("connect", "127.0.0.1", "0", "nix", status=1) == \
            "the other side refused\n"
        assert reach("list", "127.0.0.1", "0", "", status=1) == \
            "the other side refused\n"


@pytest.mark.parametrize("language", [
    ["gcc", "-xc", "-std=c99"], ["gcc", "-xc", "-std=c17"],
    ["clang", "-xc", "-std=c17"], ["g++", "-xc++", "-std=c++11"],
    ["g++", "-xc++", "-std=c++20"], ["clang++", "-xc++", "-std=c++17"]],
    ids=" ".join)
def test_the_header_stands_alone_in_any_language(language):
    run(*language, *STRICT, "-fsyntax-only", TOP / "include/tcpmux.h")


def declared():
    header = (TOP / "include/tcpmux.h").read_text()
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    return set(re.findall(r"(tcpmux_\w+)\(", code))


def test_the_shared_library_exports_what_is_declared_and_nothing_else():
    found = symbols("-D", "--defined-only", BUILD / "lib/libtcpmux.so")
    assert found - {("A", "LIBTCPMUX_0")} == {
        ("T", name) for name in declared()}


def test_the_static_library_takes_no_name_but_those_of_its_own():
    found = symbols("-g", "--defined-only", BUILD / "lib/libtcpmux.a")
    names = {name for kind, name in found}
    assert declared() <= names
    assert {name for name in names if not name.startswith("tcpmux_")} == set()


def test_the_library_has_no_global_state():
    """No variable that can be written, whether others see it or not."""
    if is_instrumented():
        pytest.skip("a sanitizer has state of its own")
    sections = run("size", "-A", BUILD / "lib/libtcpmux.a")
    found = re.findall(r"^(\.(?:t?data|t?bss)\S*)\s+([1-9]\d*)", sections,
                       re.MULTILINE)
    assert [s for s, _ in found if not s.startswith(".data.rel.ro")] == []


def test_the_library_is_never_unloaded():
    """A thread that looks up a name may still be in it."""
    assert "NODELETE" in run("readelf", "-d", BUILD / "lib/libtcpmux.so")


@pytest.mark.parametrize("target", ["reach", "call", "snapshot"])
def test_what_fuzzing_has_found_stays_found(target):
    run(BUILD / f"tests/replay-{target}", TOP / f"tests/fuzz/corpus/{target}")


def test_pkg_config_knows_how_to_link_statically():
    pc = (BUILD / "meson-private/libtcpmux.pc").read_text()
    assert "Libs: -L${libdir} -ltcpmux\n" in pc
    assert "Libs.private: -pthread\n" in pc
