"""What is built: hardened, the same twice, and installed whole anywhere."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).parent.parent
BUILD = pathlib.Path(os.environ.get("TCPMUX_BUILD", "build"))
PROGRAMS = ["in.tcpmuxd", "tcpmuxd", "cmd/tcpmux", "cmd/tcpmux-offer",
            "cmd/tcpmuxctl", "cmd/exporter/tcpmux-exporter", "cmd/wrap.so"]
INSTALLED = {
    "opt/mux/bin/tcpmux",
    "opt/mux/bin/tcpmux-offer",
    "opt/mux/include/tcpmux.h",
    "opt/mux/sbin/in.tcpmuxd",
    "opt/mux/sbin/tcpmux-exporter",
    "opt/mux/sbin/tcpmuxctl",
    "opt/mux/sbin/tcpmuxd",
    "opt/mux/share/bash-completion/completions/tcpmux",
    "opt/mux/share/bash-completion/completions/tcpmux-offer",
    "opt/mux/share/bash-completion/completions/tcpmuxctl",
    "opt/mux/share/fish/vendor_completions.d/tcpmux-offer.fish",
    "opt/mux/share/fish/vendor_completions.d/tcpmux.fish",
    "opt/mux/share/fish/vendor_completions.d/tcpmuxctl.fish",
    "opt/mux/share/man/man1/tcpmux-offer.1",
    "opt/mux/share/man/man1/tcpmux.1",
    "opt/mux/share/man/man3/tcpmux_call.3",
    "opt/mux/share/man/man3/tcpmux_wire.3",
    "opt/mux/share/man/man5/tcpmuxd.conf.5",
    "opt/mux/share/man/man7/tcpmux-control.7",
    "opt/mux/share/man/man7/tcpmux-offer.7",
    "opt/mux/share/man/man7/tcpmux.7",
    "opt/mux/share/man/man7/tcpmuxd-import.7",
    "opt/mux/share/man/man8/in.tcpmuxd.8",
    "opt/mux/share/man/man8/tcpmux-exporter.8",
    "opt/mux/share/man/man8/tcpmuxctl.8",
    "opt/mux/share/man/man8/tcpmuxd.8",
    "opt/mux/share/zsh/site-functions/_tcpmux",
    "opt/mux/share/zsh/site-functions/_tcpmux-offer",
    "opt/mux/share/zsh/site-functions/_tcpmuxctl",
}
if shutil.which("systemctl"):
    INSTALLED |= {f"opt/mux/{name}" for name in (
        "lib/systemd/system/tcpmux-exporter.service",
        "lib/systemd/system/tcpmux-exporter.socket",
        "lib/systemd/system/tcpmux.socket",
        "lib/systemd/system/tcpmux@.service",
        "lib/systemd/system/tcpmuxd-control.socket",
        "lib/systemd/system/tcpmuxd.service",
        "lib/systemd/system/tcpmuxd.socket",
        "lib/systemd/user/tcpmux-offer@.service",
        "lib/sysusers.d/tcpmux.conf",
        "lib/tmpfiles.d/tcpmux.conf",
        "share/doc/tcpmuxd/examples/programs.conf")}


def run(*argv, **more):
    """Run a command to its end; its output, or a failed test with it."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, **more)
    assert done.returncode == 0, done.stdout
    return done.stdout


def copy_of_tree(to):
    skip = shutil.ignore_patterns("build", ".git")
    return shutil.copytree(TOP, to, ignore=skip)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The tree, built and installed from a copy under a DESTDIR."""
    at = tmp_path_factory.mktemp("install")
    tree = copy_of_tree(at / "tree")
    run("make", "-C", tree, "install", f"DESTDIR={at}/root",
        "PREFIX=/opt/mux")
    return at / "root"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_is_hardened(program):
    elf = run("readelf", "-W", "-h", "-d", "-l", BUILD / program)
    assert re.search(r"DYN \((Position-Independent Ex|Shared obj)", elf)
    assert "GNU_RELRO" in elf
    assert re.search(r"\(FLAGS\).*BIND_NOW|FLAGS_1\).*NOW", elf)
    assert re.search(r"GNU_STACK.* RW ", elf)
    assert "RPATH" not in elf and "RUNPATH" not in elf


def test_the_stack_and_the_library_calls_are_checked():
    symbols = run("nm", "-D", BUILD / "tcpmuxd")
    assert "__stack_chk_fail" in symbols
    assert re.search(r"__\w+_chk\b", symbols.replace("__stack_chk", ""))


@pytest.mark.skipif(os.uname().machine != "x86_64",
                    reason="control-flow protection is x86-64's")
def test_jumps_land_where_they_may():
    """The C library's own start files decide for the program as a whole."""
    for unit in BUILD.glob("*.p/*.c.o"):
        assert "IBT, SHSTK" in run("readelf", "-n", unit), unit


def test_two_builds_are_identical(tmp_path):
    outputs = []
    for place in ["here", "in/another/place"]:
        tree = copy_of_tree(tmp_path / place)
        run("meson", "setup", "build", "-Dtests=disabled", cwd=tree)
        run("ninja", "-C", "build", cwd=tree)
        outputs.append({name: (tree / "build" / name).read_bytes()
                        for name in PROGRAMS +
                        ["lib/libtcpmux.so.0.1.0", "lib/libtcpmux.a"]})
    assert outputs[0] == outputs[1]


def test_installation_is_whole(installed):
    found = {str(f.relative_to(installed)) for f in installed.rglob("*")
             if not f.is_dir()}
    assert INSTALLED <= found
    rest = {pathlib.Path(f).name for f in found - INSTALLED}
    functions = {f"{name}.3" for name in exported(installed)}
    assert rest == functions | {"libtcpmux.a", "libtcpmux.so",
                                "libtcpmux.so.0", "libtcpmux.so.0.1.0",
                                "libtcpmux.pc", "tcpmux.py", "wrap.so"}


def exported(installed):
    library = next(installed.rglob("libtcpmux.so.0.1.0"))
    return set(re.findall(r" T (\w+)@@LIBTCPMUX_0",
                          run("nm", "-D", library)))


def test_the_library_exports_what_its_header_declares(installed):
    header = (installed / "opt/mux/include/tcpmux.h").read_text()
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    assert exported(installed) == set(re.findall(r"(tcpmux_\w+)\(", code))


@pytest.mark.parametrize("compiler", ["gcc", "g++", "clang"])
def test_a_stranger_compiles_against_it_wherever_it_lies(
        installed, tmp_path, compiler):
    moved = shutil.copytree(installed / "opt/mux", tmp_path / "moved",
                            symlinks=True)
    pc = next(moved.rglob("libtcpmux.pc"))
    flags = run("pkg-config", "--cflags", "--libs", "libtcpmux",
                env=os.environ | {"PKG_CONFIG_PATH": pc.parent}).split()
    source = tmp_path / ("stranger.cc" if compiler == "g++" else "stranger.c")
    source.write_text("""
        #include <tcpmux.h>
        int main(void) {
            struct tcpmux_span name;
            return tcpmux_parse_request("ssh\\r\\n", 5, TCPMUX_STRICT, &name)
                == 5 && name.len == 3 ? 0 : 1;
        }\n""")
    program = tmp_path / "stranger"
    run(compiler, "-Wall", "-Wextra", "-Werror", "-pedantic", source,
        "-o", program, *flags)
    run(program, env={"LD_LIBRARY_PATH": str(pc.parent.parent)})
