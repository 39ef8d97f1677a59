"""The scripts of contrib/openrc and contrib/rc.d: each under a stand-in for
what reads it, with programs that say how they were called."""

import os
import pathlib
import shutil
import subprocess

import pytest

import server

CONTRIB = pathlib.Path(__file__).parent.parent / "contrib"

# As openrc-run(8) has it: it reads the script, and calls what it asks for.
OPENRC = """\
ebegin() { echo "begin: $*"; }
eend() { echo "end: $1"; return "$1"; }
checkpath() { echo "checkpath $*"; }
need() { echo "need $*"; }; use() { echo "use $*"; }
after() { echo "after $*"; }; provide() { echo "provide $*"; }
RC_SVCNAME=tcpmuxd
. "$1"
shift
case $1 in
start)
    start_pre || exit 1
    exec $supervisor "$RC_SVCNAME" --start "$command" -- $command_args
    ;;
stop) stop_pre && exec $supervisor "$RC_SVCNAME" --stop "$command" ;;
*) "$@" ;;
esac
"""

# As rc.subr(8) of NetBSD and FreeBSD has it.
RC_SUBR = """\
load_rc_config() { tcpmuxd_enable=YES; tcpmuxd_flags="-f /conf"; }
run_rc_command() {
    eval "rc_flags=\\$${name}_flags"
    eval "precmd=\\$${1}_precmd; cmd=\\$${1}_cmd"
    [ -z "$precmd" ] || $precmd || exit 1
    $cmd
    wait
}
"""

PROGRAM = """\
#!/bin/sh
echo "${0##*/} $*" >&2
case "$*" in *bad*) exit 78 ;; esac
"""


@pytest.fixture(name="place")
def place_of_programs(tmp_path):
    """A folder with programs that do nothing, instead of real ones."""
    for name in ("tcpmuxd", "tcpmuxctl", "supervise-daemon", "logger"):
        path = tmp_path / name
        path.write_text(PROGRAM +
                        ("cat\n" if name == "logger" else ""))
        path.chmod(0o755)
    return tmp_path


def installed(place, name):
    """A script, with those programs."""
    text = (CONTRIB / name / "tcpmuxd.in").read_text()
    script = place / "script"
    script.write_text(text.replace("@sbindir@", str(place))
                      .replace("/etc/rc.subr", f"{place}/rc.subr"))
    return script


def run(place, *words, **environment):
    """Run words with the programs in place; status and what is said."""
    done = subprocess.run(
        words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": f"{place}:{os.environ['PATH']}",
             **environment}, check=False)
    return done.returncode, done.stdout


def openrc(place, *words, **environment):
    """The script of OpenRC, told to do something."""
    (place / "openrc-run").write_text(OPENRC)
    return run(place, "sh", place / "openrc-run", installed(place, "openrc"),
               *words, **environment)


def rc(place, *words):
    """That of rc.d."""
    (place / "rc.subr").write_text(RC_SUBR)
    return run(place, "sh", installed(place, "rc.d"), *words)


def test_openrc_depends(place):
    status, said = openrc(place, "depend")
    assert status == 0
    assert said.split("\n")[:-1] == ["need net", "use dns logger",
                                     "after firewall", "provide tcpmux"]


def test_openrc_starts_it_supervised(place):
    status, said = openrc(place, "start", tcpmuxd_args="-f /conf")
    assert status == 0
    assert said.split("\n")[:-1] == [
        "tcpmuxd -f /conf -t", "checkpath --directory --mode 0755 /run/tcpmux",
        f"supervise-daemon tcpmuxd --start {place}/tcpmuxd -- -f /conf"]


def test_openrc_looks_at_the_configuration_first(place):
    """A restart with a mistake in it stops nothing."""
    assert openrc(place, "start", tcpmuxd_args="-f /bad")[0] == 1
    status, said = openrc(place, "stop", tcpmuxd_args="-f /bad",
                          RC_CMD="restart")
    assert status != 0 and "--stop" not in said
    assert openrc(place, "stop", tcpmuxd_args="-f /bad")[0] == 0


@pytest.mark.parametrize("word", ["reload", "upgrade"])
def test_openrc_waits_for_a_reload(place, word):
    status, said = openrc(place, word)
    assert status == 0
    assert f"tcpmuxctl {word}\nend: 0\n" in said


def test_rc_starts_it(place):
    status, said = rc(place, "start")
    assert status == 0
    assert "tcpmuxd -f /conf -t" in said
    assert "tcpmuxd -f /conf\n" in said
    assert "logger -t tcpmuxd" in said


@pytest.mark.parametrize("word", ["reload", "upgrade"])
def test_rc_waits_for_a_reload(place, word):
    assert rc(place, word) == (0, f"tcpmuxctl {word}\n")


def test_rc_checks_the_configuration(place):
    assert rc(place, "configtest") == (0, "tcpmuxd -f /conf -t\n")


@pytest.mark.parametrize("script", ["openrc", "rc.d"])
def test_a_script_is_one_of_the_shell(script):
    """Of any shell; and shellcheck has nothing to say."""
    path = CONTRIB / script / "tcpmuxd.in"
    subprocess.run(["sh", "-n", path], check=True)
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", "--shell=sh", path], text=True,
                          stdout=subprocess.PIPE, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("script", ["tcpmuxd.openrc", "tcpmuxd.rc"])
def test_a_script_has_the_paths_of_the_installation(script):
    text = (server.BUILD / "contrib" / script).read_text()
    assert "@" not in text.replace("$@", "")
    assert "/sbin/tcpmuxd\"" in text
