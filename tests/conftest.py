"""What every test starts from, and must leave behind: nothing."""

import contextlib
import ctypes
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile

import pytest

import doors
import offerers
import offers
import proc
import server
import services
import systemd

PR_SET_CHILD_SUBREAPER = 36
COUNTED = ("passed", "failed", "skipped")


def pytest_configure(config):
    """Become the parent of what a test may orphan; show why tests skip."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("PR_SET_CHILD_SUBREAPER")
    signal.signal(signal.SIGTERM, signal.default_int_handler)   # and clean up
    # Whoever starts us in the background may have them ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    config.option.reportchars += "fEs"
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def collect_zombies(pids):
    """Wait for those of pids that have ended and that nobody waits for."""
    for pid in pids:
        if proc.state(pid) == "Z":
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


@pytest.fixture(scope="session")
def standing_doors():
    """One of each door, by type; their servers stay for all tests."""
    found = {door: door() for door in doors.DOORS}
    yield found
    for door in found.values():
        door.close()


@pytest.fixture(autouse=True)
def no_process_is_left(standing_doors):
    """Each test ends every process that it began."""
    def left():
        stay = {os.getpid()}
        for door in standing_doors.values():
            for pid in door.pids():
                stay |= {pid, *proc.descendants(pid)}
        for pid in systemd.STANDING:
            stay |= {pid, *proc.descendants(pid)}
        here = set(proc.descendants(os.getpid())) - stay - before
        collect_zombies(here)
        return here

    before = set(proc.descendants(os.getpid()))
    yield
    # A program on a connection ends when it sees the end of that.
    for pid in left():
        if proc.state(pid) not in ("Z", ""):
            proc.wait_gone(pid)
    for pid in left():
        command = proc.read(pid, "cmdline").replace("\0", " ")
        assert proc.state(pid) in ("Z", ""), f"{pid} is left: {command}"


@pytest.fixture
def folder():
    """A folder of the test that every user may enter."""
    path = tempfile.mkdtemp(prefix="tcpmux-test-")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def host(folder):
    """What serves names; it ends with the test, after the tcpmuxd."""
    new = services.Host(folder)
    with new.stack:
        yield new


@pytest.fixture
def offer_as(folder):
    """Offer names as another user, until the test ends."""
    with contextlib.ExitStack() as stack:
        def offer(started, who, *names, options=(), rest=True):
            prefix = offerers.as_user(*offerers.IDS.get(who, (who, who)))
            return stack.enter_context(offerers.Program(
                folder, started, names, *options, prefix=prefix, rest=rest))
        yield offer


@pytest.fixture
def tcpmuxd(folder):
    """Start a tcpmuxd on 127.0.0.1, or as told; it ends with the test.

    conf is the text of its configuration, which gets a listener if it has
    none.  The control socket is the test's own, unless the text says where:
    it is named in a drop-in, which outlives what a test makes of the file.
    """
    started = []

    def start(*words, sockets=1, conf="", **popen):
        path = f"{folder}/tcpmuxd-{len(started)}.conf"
        control = f"{folder}/run-{len(started)}/control"
        os.mkdir(os.path.dirname(control), 0o755)
        if "-l" not in words and "listen " not in conf:
            conf = server.ONE_LISTENER + conf
        server.write_conf(path, conf)
        told = re.search(r'^control\b *= *"?([^"\n]*)', conf, re.MULTILINE)
        if told is not None:
            control = told[1]
        else:
            os.makedirs(f"{path}.d", exist_ok=True)
            server.write_conf(f"{path}.d/00-control.conf",
                              f'control = "{control}"\n')
        new = server.Server("-f", path, *words, **popen)
        new.conf, new.control = path, control
        started.append(new)
        new.wait_ready(sockets)
        return new

    yield start
    for each in started:
        ended = each.process.returncode     # by the test, which has looked
        try:
            assert each.stop() == 0 or ended is not None
            assert each.deaths() == []
        except subprocess.TimeoutExpired:
            each.process.kill()
            raise


@pytest.fixture
def empty_folder_of_sshd():
    """What sshd wants to lock its unprivileged half into, as root."""
    path = pathlib.Path("/run/sshd")
    if os.getuid() != 0 or path.exists():
        yield
        return
    path.mkdir(mode=0o755)
    yield
    path.rmdir()


@pytest.fixture
def mux(folder, tcpmuxd):
    """A tcpmuxd to which names can be offered."""
    new = offers.Mux(folder, tcpmuxd)
    yield new
    new.close()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    """Say the result in one plain line, the very last."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    count = {name: len(reporter.stats.get(name, ())) for name in COUNTED}
    count["failed"] += len(reporter.stats.get("error", ()))
    if not count["skipped"]:
        del count["skipped"]
    reporter.write_line(
        ", ".join(f"{number} {name}" for name, number in count.items()))
