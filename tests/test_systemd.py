"""The units of contrib/systemd: what systemd-analyze says of them, and a real
systemd that starts what they describe."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

import proc
import server
import systemd

UNITS = pathlib.Path(__file__).parent.parent / "contrib" / "systemd"
SHORT = UNITS / "programs.conf"

# The highest exposure that each may have.
EXPOSURE = {"tcpmuxd": 2.0, "tcpmux@": 0.5, "tcpmux-exporter": 0.5}
WITH_PROGRAMS = 7.0
SERVICES = [*EXPOSURE, "tcpmux-offer@"]


@pytest.fixture(name="units")
def units_of_the_build(tmp_path):
    """A folder with all units, as they are installed."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for service in SERVICES:
        shutil.copy(server.BUILD / "contrib" / f"{service}.service", tmp_path)
    for socket in UNITS.glob("*.socket"):
        shutil.copy(socket, tmp_path)
    return tmp_path


def exposure(unit):
    """What systemd-analyze thinks of one."""
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        text=True, capture_output=True, check=True).stdout
    return float(re.search(r"Overall exposure level for .*: ([0-9.]+)",
                           said)[1])


@pytest.mark.parametrize("name", EXPOSURE)
def test_a_unit_is_exposed_to_little(units, name):
    assert exposure(units / f"{name}.service") <= EXPOSURE[name]


def test_programs_of_services_take_rights(units):
    """The drop-in says what; and it is not without any bound."""
    drop_in = units / "tcpmuxd.service.d"
    drop_in.mkdir()
    shutil.copy(UNITS / "programs.conf", drop_in)
    assert EXPOSURE["tcpmuxd"] < exposure(units / "tcpmuxd.service") \
        <= WITH_PROGRAMS


def test_systemd_takes_the_units(units):
    """But for manual pages and programs, which are not installed here."""
    for unit in units.iterdir():
        text = re.sub(r"^Documentation=.*\n", "", unit.read_text(),
                      flags=re.MULTILINE)
        unit.write_text(re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", text,
                               flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(units.iterdir())],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture(name="sd", scope="module")
def real_systemd():
    """A systemd, with everything installed and nothing started."""
    systemd.need()
    new = systemd.Systemd()
    try:
        new.run("systemd-sysusers", "/usr/local/lib/sysusers.d/tcpmux.conf")
        new.run("systemd-tmpfiles", "--create",
                "/usr/local/lib/tmpfiles.d/tcpmux.conf")
        new.control("daemon-reload")
        yield new
    finally:
        new.close()


@pytest.fixture(name="daemon")
def clean_daemon(sd):
    """The sockets are there, and the daemon has its defaults."""
    def restore():
        sd.control("stop", "tcpmuxd.service", "tcpmuxd.socket",
                   "tcpmuxd-control.socket", "tcpmux.socket")
        sd.run("rm", "-rf", "/etc/tcpmuxd.conf",
               "/etc/systemd/system/tcpmuxd.service.d")
        sd.control("daemon-reload")

    sd.control("start", "tcpmuxd.socket", "tcpmuxd-control.socket")
    yield sd
    restore()


def configure(sd, text, drop_in=""):
    """Give tcpmuxd a configuration, and its unit something more."""
    sd.write("/etc/tcpmuxd.conf", text)
    if drop_in:
        sd.write("/etc/systemd/system/tcpmuxd.service.d/test.conf", drop_in)
        sd.control("daemon-reload")


def tcpmux(sd, *words):
    """What the client says."""
    return sd.run("/usr/local/bin/tcpmux", *words)


def offer(sd, name):
    """Have a name offered by a service of its own."""
    sd.run("systemd-run", "--quiet", f"--unit={name}",
           "/usr/local/bin/tcpmux-offer", name, "--wait", "--",
           "/bin/echo", "it is me")
    sd.wait_shown(name + ".service", "ActiveState", lambda s: s == "active")
    proc.wait_until(lambda: name in tcpmux(sd, "localhost").split(), name)


def test_the_first_client_starts_it(daemon):
    assert daemon.show("tcpmuxd.service", "ActiveState") == "inactive"
    assert tcpmux(daemon, "localhost") == "tcpmux\n"
    daemon.wait_shown("tcpmuxd.service", "ActiveState",
                      lambda state: state == "active")
    assert daemon.show("tcpmuxd.service", "StatusText") == \
        "serving 1 service on 1 socket, generation 1"


def test_no_process_of_it_is_root(daemon):
    """And the front has neither a file nor a network, in there as well."""
    configure(daemon, 'service "e" { builtin = echo }\n')
    daemon.control("start", "tcpmuxd.service")
    uid = daemon.run("id", "-u", "tcpmux").strip()
    main = daemon.show("tcpmuxd.service", "MainPID")
    pids = daemon.run("pgrep", "-x", "tcpmuxd.*").split()
    assert main in pids and len(pids) >= 5
    for pid in pids:
        status = daemon.run("cat", f"/proc/{pid}/status")
        assert re.search(rf"^Uid:\t{uid}\t{uid}\t{uid}\t{uid}$", status,
                         re.MULTILINE), status
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE), status
    front = daemon.run("pgrep", "-x", "tcpmuxd-front").split()[0]
    assert daemon.run("ls", "-A", f"/proc/{front}/root/") == ""
    assert daemon.run("readlink", f"/proc/{front}/ns/net") != \
        daemon.run("readlink", f"/proc/{main}/ns/net")


def test_reload_waits_for_the_new_configuration(daemon):
    daemon.control("start", "tcpmuxd.service")
    configure(daemon, 'service "e" { builtin = echo }\n')
    daemon.control("reload", "tcpmuxd.service")
    assert tcpmux(daemon, "localhost") == "e\ntcpmux\n"
    assert daemon.show("tcpmuxd.service", "StatusText") == \
        "serving 2 services on 1 socket, generation 2"


def test_reload_fails_if_there_is_a_mistake(daemon):
    daemon.control("start", "tcpmuxd.service")
    configure(daemon, "nonsense\n")
    said = daemon.run("systemctl", "reload", "tcpmuxd.service", check=False)
    assert "failed" in said
    assert tcpmux(daemon, "localhost") == "tcpmux\n"
    assert daemon.show("tcpmuxd.service", "ActiveState") == "active"


def test_a_mistake_at_the_start_is_not_tried_again(daemon):
    configure(daemon, "nonsense\n")
    daemon.run("systemctl", "start", "tcpmuxd.service", check=False)
    assert daemon.show("tcpmuxd.service", "NRestarts") == "0"
    daemon.control("reset-failed")


@pytest.mark.parametrize("how", ["restart", "kill", "watchdog"])
def test_offers_outlive_it(daemon, how):
    """A restart, a crash, and a monitor that does nothing any more."""
    configure(daemon, "", "[Service]\nWatchdogSec=2\n")
    daemon.control("start", "tcpmuxd.service")
    name = f"web-{how}"
    offer(daemon, name)
    proc.wait_until(lambda: daemon.show(
        "tcpmuxd.service", "NFileDescriptorStore") == "1", "the store")
    main = daemon.show("tcpmuxd.service", "MainPID")
    if how == "restart":
        daemon.control("restart", "tcpmuxd.service")
    else:
        daemon.run("kill", "-KILL" if how == "kill" else "-STOP", main)
        daemon.wait_shown("tcpmuxd.service", "MainPID",
                          lambda pid: pid not in (main, "0"))
    assert tcpmux(daemon, "localhost", name) == "it is me\n"
    assert daemon.run("journalctl", "--quiet", "--output=cat",
                      f"--unit={name}.service").count(": offered") == 1
    daemon.control("stop", f"{name}.service")
    proc.wait_until(lambda: daemon.show(
        "tcpmuxd.service", "NFileDescriptorStore") == "0", "the store")


def test_it_ends_when_it_is_told_to(daemon):
    daemon.control("start", "tcpmuxd.service")
    daemon.control("stop", "tcpmuxd.service")
    assert daemon.show("tcpmuxd.service", "Result") == "success"
    assert daemon.show("tcpmuxd.service", "ActiveState") == "inactive"
    assert daemon.run("pgrep", "-x", "tcpmuxd.*", check=False) == ""
    # Whoever comes now starts it again, at each of the sockets.
    assert "pid" in daemon.run("/usr/local/sbin/tcpmuxctl", "status")


def test_back_ends_are_reached_by_name(daemon):
    """The resolver has what it takes, and so has the relay."""
    configure(daemon, 'service "r" { relay = "localhost:7777" }\n')
    daemon.run("systemd-run", "--quiet", "--unit=back-end", "socat",
               "TCP-LISTEN:7777,fork,reuseaddr", "EXEC:/bin/echo relayed")
    proc.wait_until(lambda: "7777" in daemon.run("ss", "-Hltn"), "socat")
    assert tcpmux(daemon, "localhost", "r") == "relayed\n"
    daemon.control("stop", "back-end.service")


def test_a_log_in_a_file_has_its_place(daemon):
    configure(daemon, 'log { to = "/var/log/tcpmuxd/log" }\n')
    tcpmux(daemon, "localhost")
    proc.wait_until(lambda: "verdict=answered" in daemon.run(
        "cat", "/var/log/tcpmuxd/log"), "a line")


def test_programs_of_services_need_the_drop_in(daemon):
    configure(daemon, 'service "id" { exec = {"/usr/bin/id", "-un"} '
              'user = nobody }\n', SHORT.read_text())
    assert tcpmux(daemon, "localhost", "id") == "nobody\n"


def test_a_program_of_a_service_outlives_a_restart(daemon):
    """As under inetd; and it does not speak for the daemon."""
    configure(daemon, 'service "sh" { exec = {"/bin/sh"} user = nobody }\n',
              SHORT.read_text())
    daemon.run("sh", "-c", """
        { echo 'NOTIFY_SOCKET=/run/systemd/notify systemd-notify STATUS=lies'
          echo 'systemctl --version >/dev/null; echo first'
          while [ ! -e /tmp/go ]; do :; done; echo 'echo second'; } |
        tcpmux localhost sh > /tmp/out &
        while ! grep -q first /tmp/out; do :; done
        systemctl restart tcpmuxd
        : > /tmp/go
        wait""", env={"PATH": os.environ["PATH"] + ":/usr/local/bin"})
    assert daemon.run("cat", "/tmp/out") == "first\nsecond\n"
    assert "lies" not in daemon.show("tcpmuxd.service", "StatusText")


def test_in_tcpmuxd_in_a_unit_of_its_own(daemon):
    """One process for each connection, and no daemon besides."""
    daemon.control("start", "tcpmux.socket")
    assert daemon.show("tcpmuxd.socket", "ActiveState") == "inactive"
    assert tcpmux(daemon, "localhost") == "tcpmux\n"


def test_metrics_in_a_unit_of_their_own(daemon):
    configure(daemon, 'readers = {"tcpmux-exporter"}\n')
    daemon.control("start", "tcpmux-exporter.socket")
    said = daemon.run("curl", "--silent", "--unix-socket",
                      "/run/tcpmux-exporter/http", "http://localhost/metrics")
    assert "tcpmux" in said, said
    daemon.control("stop", "tcpmux-exporter.socket",
                   "tcpmux-exporter.service")


def test_an_offer_in_a_unit_of_its_own(daemon):
    """A user's unit; here it is the system's, which says the same."""
    daemon.run("sh", "-c", "cp /usr/local/lib/systemd/user/*.service "
               "/etc/systemd/system/")
    daemon.write("/etc/systemd/system/tcpmux-offer@hello.service.d/a.conf",
                 '[Service]\nEnvironment=SERVE="/bin/echo hello"\n')
    daemon.control("daemon-reload")
    daemon.control("start", "tcpmux-offer@hello.service")
    proc.wait_until(lambda: "hello" in tcpmux(daemon, "localhost").split(),
                    "hello")
    assert tcpmux(daemon, "localhost", "hello") == "hello\n"
    daemon.control("stop", "tcpmux-offer@hello.service")


@pytest.mark.parametrize("end", ["stop", "kill", "watchdog"])
def test_an_upgrade_leaves_a_service_that_is_whole(daemon, end):
    """Its main process speaks for the new program, and ends with it."""
    configure(daemon, "", "[Service]\nWatchdogSec=2\n")
    daemon.control("start", "tcpmuxd.service")
    name = f"web-upgrade-{end}"
    offer(daemon, name)
    main = daemon.show("tcpmuxd.service", "MainPID")
    for number in 2, 3:
        daemon.run("/usr/local/sbin/tcpmuxctl", "upgrade")
        daemon.wait_shown("tcpmuxd.service", "StatusText", lambda text,
                          wanted=f"generation {number}": wanted in text)
        assert daemon.show("tcpmuxd.service", "MainPID") == main
    configure(daemon, 'service "e" { builtin = echo }\n')
    daemon.control("reload", "tcpmuxd.service")
    daemon.wait_shown("tcpmuxd.service", "StatusText",
                      lambda text: text.startswith("serving 2 services"))
    assert daemon.show("tcpmuxd.service", "NFileDescriptorStore") == "1"
    if end != "stop":
        daemon.run("kill", "-KILL" if end == "kill" else "-STOP",
                   *daemon.run("pgrep", "-x", "tcpmuxd").split())
        daemon.wait_shown("tcpmuxd.service", "MainPID",
                          lambda pid: pid not in (main, "0"))
        assert tcpmux(daemon, "localhost", name) == "it is me\n"
    daemon.control("stop", f"{name}.service")
    daemon.control("stop", "tcpmuxd.service")
    assert daemon.show("tcpmuxd.service", "Result") == "success"
    assert daemon.run("pgrep", "-x", "tcpmuxd.*", check=False) == ""
