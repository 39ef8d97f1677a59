"""tcpmux-exporter: what it tells of a daemon, and to whom."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

import doors
import exporters
import inherit
import offerers
import proc
import server
from exporters import (HOSTILE, UnixConnection, daemon, exporter,  # noqa: F401
                       hostile, sample, start)

OPEN = "application/openmetrics-text"
PROMETHEUS = (OPEN + ";version=1.0.0," + OPEN + ";version=0.0.1;q=0.75,"
              "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
PLACES = 48             # connections that it has at a time, to each listener


def records(text, word):
    """The lines of a snapshot with this word, as dictionaries."""
    return [dict(pair.split("=", 1) for pair in line.split(" ")[1:])
            for line in text.decode("ascii").split("\n")
            if line.split(" ")[0] == word]


def samples(text, openly=True):
    """The samples of an exposition, which is parsed strictly, by name."""
    parse = (openmetrics if openly else parser).text_string_to_metric_families
    found = {}
    for family in parse(text):
        assert family.documentation, family.name
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def by(found, *labels):
    """The values of samples, by their labels."""
    values = {tuple(sample.labels[label] for label in labels): sample.value
              for sample in found}
    assert len(values) == len(found)
    return values


# What it tells.

@pytest.mark.parametrize("accept", [OPEN, None])
def test_numbers_are_those_of_the_snapshot(exporter, sample, accept):
    reply, body = exporter.ask("/metrics", Accept=accept or "text/plain")
    assert reply.headers["Content-Type"].startswith(accept or "text/plain")
    found = samples(body, accept is not None)
    assert found["tcpmux_up"][0].value == 1
    total = records(sample, "total")[0]
    assert found["tcpmux_connections_accepted_total"][0].value == \
        int(total["accepted"])
    assert by(found["tcpmux_connections_current"], "state") == {
        ("waiting",): int(total["waiting"]),
        ("lingering",): int(total["lingering"])}
    assert by(found["tcpmux_bytes_total"], "direction") == {
        ("in",): int(total["in"]), ("out",): int(total["out"])}
    assert by(found["tcpmux_connections_handed_over_total"], "kind") == {
        (kind,): int(total[f"handed-{kind}"])
        for kind in ("exec", "relay", "socket", "offer")}
    services = records(sample, "service")
    for metric, key in (("requests", "requests"), ("handed_over", "handed")):
        assert by(found[f"tcpmux_{metric}_total"], "service", "kind") == {
            (each["name"], each["kind"]): int(each[key])
            for each in services}
    for metric, key in (("queue_length", "queue"),
                        ("service_connections_current", "current")):
        assert by(found[f"tcpmux_{metric}"], "service") == {
            (each["name"],): int(each[key])
            for each in services if key in each}
    assert by(found["tcpmux_service_up"], "service") == {
        (each["name"],): each["state"] == "up" for each in services}
    refused = records(sample, "refused")
    assert by(found["tcpmux_refused_total"], "service", "reason") == {
        (each["name"], each["reason"]): int(each["n"])
        for each in refused if "name" in each}
    assert by(found["tcpmux_connections_refused_total"], "reason") == {
        (each["reason"],): int(each["n"])
        for each in refused if "name" not in each}
    processes = records(sample, "process")
    assert by(found["tcpmux_process_cpu_seconds_total"], "role", "number",
              "pid") == {
        (each["role"], each["number"], each["pid"]):
        pytest.approx(int(each["cpu-us"]) / 1e6) for each in processes}
    assert by(found["tcpmux_process_resident_max_bytes"], "pid") == {
        (each["pid"],): int(each["rss-kb"]) * 1024 for each in processes}


def test_every_metric_is_in_the_manual(exporter):
    manual = (pathlib.Path(__file__).parent.parent / "man" /
              "tcpmux-exporter.8").read_text("ascii")
    for name in samples(exporter.metrics(Accept=OPEN)):
        name = re.sub("_(bucket|sum|count)$", "", name)
        assert re.search(rf"\b{name}\b", manual), name


def test_a_histogram_is_one(exporter, sample):
    found = samples(exporter.metrics(Accept=OPEN))
    bounds = [int(bound) for bound in
              records(sample, "buckets")[0]["us"].split(",")]
    for each in records(sample, "service"):
        buckets = [s for s in found["tcpmux_handover_seconds_bucket"]
                   if s.labels["service"] == each["name"]]
        if int(each.get("time-us", 0)) == 0:
            assert buckets == []        # nobody was handed to it
            continue
        times = [int(n) for n in each["times"].split(",")]
        assert [s.value for s in buckets] == \
            [sum(times[:i + 1]) for i in range(len(times))]
        assert [float(s.labels["le"]) for s in buckets] == \
            [pytest.approx(bound / 1e6) for bound in bounds] + [float("inf")]
        for name, value in (("count", sum(times)),
                            ("sum", int(each["time-us"]) / 1e6)):
            assert by(found[f"tcpmux_handover_seconds_{name}"],
                      "service")[(each["name"],)] == pytest.approx(value)


@pytest.mark.parametrize("accept, openly", [
    (None, False),
    ("*/*", False),
    ("text/plain", False),
    ("text/html,application/xhtml+xml,*/*;q=0.8", False),
    (OPEN, True),
    (OPEN.upper(), True),
    (PROMETHEUS, True),
    (OPEN + ";q=0", False),
    (OPEN + " ; version=1.0.0 ; q=0.3 , text/plain;q=0.7", False),
    (OPEN + ";q=0.7;version=1.0.0,text/plain;q=0.3", True),
    ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", False),
    (",,;;q=,=" * 100, False),
])
def test_the_format_is_the_one_that_is_asked_for(exporter, accept, openly):
    headers = {} if accept is None else {"Accept": accept}
    reply, body = exporter.ask("/metrics", **headers)
    assert reply.headers["Content-Type"].startswith(
        OPEN if openly else "text/plain")
    assert body.endswith("# EOF\n") == openly
    assert samples(body, openly)["tcpmux_up"][0].value == 1


def test_json_is_the_snapshot(exporter, sample):
    reply, body = exporter.ask("/snapshot.json")
    assert reply.headers["Content-Type"] == "application/json"
    told = json.loads(body)
    assert told["tcpmuxd"]["generation"] == 4
    assert told["tcpmuxd"]["version"] == "0.1.0"
    for word, name in (("service", "services"), ("offer", "offers"),
                       ("process", "processes"), ("refused", "refused"),
                       ("listener", "listeners")):
        lines = records(sample, word)
        assert len(told[name]) == len(lines)
        for line, each in zip(lines, told[name]):
            assert set(each) == {key.replace("-", "_") for key in line}
            for key, value in each.items():
                if isinstance(value, list):
                    value = ",".join(str(part) for part in value)
                elif isinstance(value, bool):
                    value = "yes" if value else "no"
                elif isinstance(value, float):
                    value = f"{value:.3f}"
                assert str(value) == line[key.replace("_", "-")]


def test_a_name_that_is_a_number_stays_a_name(daemon, exporter):
    daemon.text = b"tcpmuxd now=1.0\nservice name=007 kind=exec to=1e9 " \
        b"requests=7 queue=x\n"
    service = json.loads(exporter.ask("/snapshot.json")[1])["services"][0]
    assert service == {"name": "007", "kind": "exec", "to": "1e9",
                       "requests": 7, "queue": None}


# Names are strangers' bytes.

def test_hostile_names_stay_names_in_labels(daemon, exporter):
    daemon.text = hostile()
    for openly, accept in ((True, OPEN), (False, "text/plain")):
        found = samples(exporter.metrics(Accept=accept), openly)
        assert by(found["tcpmux_requests_total"], "service") == {
            (name,): number for number, name in enumerate(HOSTILE)}
        assert {s.labels["service"] for s in found["tcpmux_refused_total"]} \
            == set(HOSTILE)


def test_hostile_names_stay_names_in_json(daemon, exporter):
    daemon.text = hostile()
    body = exporter.ask("/snapshot.json")[1]
    assert [each["name"] for each in json.loads(body)["services"]] == HOSTILE


def test_hostile_names_stay_names_on_the_page(daemon, exporter):
    daemon.text = hostile()
    body = exporter.ask("/")[1]
    assert "<script>alert" not in body and body.count("</table>") == 5
    assert "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert "a&#39;b&quot;c\\d" in body and "&amp;amp;" in body


def test_bytes_that_are_no_text_are_shown_as_their_numbers(daemon, exporter):
    daemon.text = b"tcpmuxd now=1.0\nservice name=x kind=exec " \
        b"to=\\xff\\x01\\x0a\xc3\xa4 requests=1\n"
    told = json.loads(exporter.ask("/snapshot.json")[1])
    assert told["services"][0]["to"] == "\\xff\x01\n\u00e4"
    assert r"\xff\x01\x0a\xc3\xa4" in exporter.ask("/")[1]


# A daemon that is no answer, or not itself.

def test_a_daemon_that_goes_and_comes_back(daemon, exporter):
    assert samples(exporter.metrics(Accept=OPEN))["tcpmux_up"][0].value == 1
    daemon.stop()
    proc.wait_until(lambda: "tcpmux_up 0\n" in exporter.metrics(),
                    "the daemon to be missed")
    found = samples(exporter.metrics(Accept=OPEN))
    assert set(found) == {"tcpmux_up"}
    page = exporter.ask("/")[1]
    assert "No tcpmuxd is at the control socket" in page
    told = json.loads(exporter.ask("/snapshot.json")[1])
    assert told["tcpmuxd"] is None and "No tcpmuxd" in told["reason"]
    daemon.start()
    proc.wait_until(lambda: "tcpmux_up 1\n" in exporter.metrics(),
                    "the daemon to be found again")


def test_a_daemon_that_lets_us_read_nothing(daemon, exporter):
    daemon.refusal = b"-denied Only those in readers may ask.\r\n"
    assert "tcpmux_up 0\n" in exporter.metrics()
    assert "tcpmuxd says: Only those in readers may ask." in \
        exporter.ask("/")[1]


def test_a_daemon_that_does_not_answer_holds_nobody_up_for_long(daemon,
                                                               exporter):
    daemon.text = None
    assert "tcpmux_up 0\n" in exporter.metrics()
    assert "it took too long" in exporter.ask("/")[1]
    assert daemon.asked == 1            # it is left alone for a while


@pytest.mark.parametrize("text", [
    b"", b"\n\n\n", b"service\n", b"service name=\n", b"=\n = =\n",
    b"tcpmuxd\nbuckets us=\nservice name=x times=1,2 time-us=1\n",
    b"service name=x times=, time-us=9\nbuckets us=,,,\n",
    b"total accepted=-1 waiting=99999999999999999999999999\n",
    b"process pid=1\nprocess pid=1 role=\\\n" + b"x" * 70000,
    b"tcpmuxd now=nan started=1e5 state=<b>\n"])
def test_what_is_no_snapshot_does_no_harm(daemon, exporter, text):
    daemon.text = text
    assert exporter.ask("/")[0].status == 200
    json.loads(exporter.ask("/snapshot.json")[1])
    assert "tcpmux_up 1\n" in exporter.metrics()


def test_thousands_of_services(daemon, exporter):
    daemon.text = b"tcpmuxd now=1.0\nbuckets us=50,100\n" + b"".join(
        b"service name=s%d kind=exec state=up requests=%d times=1,1,1 "
        b"time-us=5\n" % (n, n) for n in range(5000))
    found = samples(exporter.metrics(Accept=OPEN))
    assert len(found["tcpmux_requests_total"]) == 5000
    page = exporter.ask("/")[1]
    assert page.count("<tr role=\"row\" data-key=\"s") == 500
    assert "and 4500 more" in page


def test_the_daemon_is_asked_twice_a_second_at_the_most(daemon, exporter):
    began = time.monotonic()
    for _ in range(100):
        for path in ("/", "/metrics", "/snapshot.json"):
            assert exporter.ask(path)[0].status == 200
    assert daemon.asked <= 1 + 2 * (time.monotonic() - began)


# To whom, and how.

@pytest.mark.parametrize("path", [
    "/index.html", "/metrics/", "//", "/..", "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd", "/snapshot.json%00", "/%6detrics", "/favicon.ico",
    "/style.css", "/METRICS", "/" + "x" * 8000])
def test_there_is_nothing_else(exporter, path):
    reply, _ = exporter.ask(path)
    assert reply.status == 404


@pytest.mark.parametrize("path", ["/metrics?name=x", "/?", "/?a=b&c=%00"])
def test_a_query_changes_nothing(exporter, path):
    assert exporter.ask(path)[0].status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS",
                                    "PATCH", "TRACE", "get", "X"])
def test_only_reading(exporter, method):
    reply, _ = exporter.ask("/", method)
    assert reply.status == 405
    assert reply.headers["Allow"] == "GET, HEAD"


def test_head_is_the_same_without_the_body(exporter):
    for path in ("/", "/metrics", "/snapshot.json"):
        reply, body = exporter.ask(path, "HEAD")
        assert (reply.status, body) == (200, "")
        assert int(reply.headers["Content-Length"]) > 100


@pytest.mark.parametrize("host, status", [
    ("localhost", 200), ("LOCALHOST:80", 200), ("127.0.0.1", 200),
    ("127.1.2.3:9", 200), ("[::1]", 200), ("[::1]:9999", 200),
    ("own.example", 200), ("OWN.example:80", 200),
    ("evil.example", 421), ("localhost.evil.example", 421),
    ("127.0.0.1.evil.example", 421), ("localhost:80x", 421), ("", 421),
    ("10.0.0.1", 421), ("[::2]", 421), ("[::1]evil", 421),
    ("localhost@evil.example", 421), ("x" * 300, 421)])
def test_a_page_of_another_name_cannot_read_it(daemon, start, host, status):
    """DNS rebinding: the browser tells which name it believes in."""
    exporter = start("--host", "own.example")
    for over in (None, UnixConnection(exporter.path)):
        reply, body = exporter.ask("/metrics", over=over, Host=host)
        assert reply.status == status
        assert ("tcpmux_up" in body) == (status == 200)


def test_a_request_without_host_is_refused(exporter):
    with socket.create_connection(exporter.address, proc.PATIENCE) as sock:
        sock.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert b" 421 " in server.read_all(sock).split(b"\r\n")[0]


def test_answers_carry_what_keeps_a_browser_safe(exporter):
    for path in ("/", "/metrics", "/snapshot.json", "/nothing"):
        reply, body = exporter.ask(path)
        policy = reply.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy and "http" not in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in reply.headers
        if path == "/":
            assert not re.search(r"\s(on\w+|style)=", body)
            assert not re.search(r'(src|href)="(https?:)?//', body)


def test_both_sockets_say_the_same(exporter):
    assert exporter.metrics() == exporter.metrics(
        over=UnixConnection(exporter.path))


def test_silent_clients_do_not_keep_others_out(exporter):
    """Who has not asked makes room for who does: the oldest goes."""
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(
            exporter.address, proc.PATIENCE)) for _ in range(3 * PLACES)]
        for sock in silent:
            with contextlib.suppress(OSError):
                sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localh")
        assert "tcpmux_up 1\n" in exporter.metrics()
        assert silent[0].recv(1) == b""


def test_a_flood_is_answered(exporter):
    def ask():
        for _ in range(50):
            codes.append(exporter.ask("/")[0].status)

    codes = []
    threads = [threading.Thread(target=ask) for _ in range(16)]
    before = len(proc.fds(exporter.process.pid))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [200] * 800
    proc.wait_until(lambda: len(proc.fds(exporter.process.pid)) <= before,
                    "the connections to be closed")


def test_what_is_no_http_is_cut_off(exporter):
    for text in (b"SSH-2.0-x\r\n\r\n", b"\x16\x03\x01\x02\0\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: localhost\r\n" +
                 b"X: " + b"y" * 40000):
        with socket.create_connection(exporter.address,
                                      proc.PATIENCE) as sock:
            with contextlib.suppress(OSError):
                sock.sendall(text)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(65536):
                    pass
    assert "tcpmux_up 1\n" in exporter.metrics()


# How it starts and ends.

def refused(*words, **environment):
    """What it says before it ends with a usage error, or that of a socket."""
    exporters.need()
    ended = subprocess.run(
        [exporters.EXPORTER, *words], stdin=subprocess.DEVNULL,
        env=dict(os.environ, **environment), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=proc.PATIENCE, check=False)
    assert ended.returncode in (64, 73)
    return ended.stderr.decode("ascii")


def own():
    """What every start needs."""
    return ["--user", exporters.USER] if os.getuid() == 0 else []


@pytest.mark.parametrize("where", ["0.0.0.0:9478", "192.0.2.1:9478",
                                   "[::]:9478", "[2001:db8::1]:80",
                                   "localhost:9478", "127.0.0.1", "127.0.0.1:",
                                   "127.0.0.1:0", "[::ffff:127.0.0.1]:80"])
def test_only_loopback_addresses(where):
    assert "--listen" in refused("--listen", where, *own())


def test_a_file_is_not_taken_for_a_socket_that_was_left(folder):
    """What is no socket refuses connections as well, and is kept."""
    path = pathlib.Path(folder, "precious")
    path.write_text("precious", "ascii")
    assert str(path) in refused("--socket", path, *own())
    assert path.read_text("ascii") == "precious"


def test_inherited_sockets_are_looked_at(folder):
    """A service manager may open no more than we would."""
    exporters.need()
    with socket.create_server(("0.0.0.0", 0)) as sock:
        said = subprocess.run(
            inherit.command([sock.fileno()], exporters.EXPORTER, *own()),
            pass_fds=[sock.fileno()], stderr=subprocess.PIPE, check=False,
            timeout=proc.PATIENCE)
    assert said.returncode == 64
    assert b"others can reach" in said.stderr
    assert os.listdir(folder) == []


def test_what_is_wrong_on_the_command_line():
    assert "there is no option --x" in refused("--x")
    assert "what is more" in refused("more")
    assert "wants a value" in refused("--host")
    assert "8 times" in refused(*["--host", "x"] * 9)
    assert "1 to 107 bytes" in refused("--socket", "/" + "x" * 107, *own())
    if os.getuid() == 0:
        assert "there is no user" in refused("--user", "no-such-user")
        assert "is root" in refused("--user", "root")
    else:
        assert "for root only" in refused("--user", "daemon")


def test_it_shows_how_it_is_called():
    exporters.need()
    for word, shown in (("--help", "usage: tcpmux-exporter"),
                        ("--version", "tcpmux-exporter 0.1.0")):
        said = subprocess.run([exporters.EXPORTER, word], check=True,
                              stdout=subprocess.PIPE).stdout.decode()
        assert said.startswith(shown)


@pytest.mark.parametrize("where", ["127.0.0.1", "[::1]"])
def test_it_listens_where_it_is_told(daemon, folder, where):
    exporters.need()
    address = f"{where}:{doors.free_port()}"
    process = subprocess.Popen(
        [exporters.EXPORTER, "--control", daemon.path, "--listen", address,
         *own()], stderr=subprocess.PIPE)
    with process:
        said = process.stderr.readline().decode("ascii")
        assert said == f"tcpmux-exporter: listening on http://{address}/\n"
        connection = http.client.HTTPConnection(address)
        connection.request("GET", "/metrics")
        assert b"tcpmux_up 1\n" in connection.getresponse().read()
        connection.close()
        process.terminate()
        assert process.stderr.read() == b""
    assert process.returncode == 0
    assert os.listdir(folder) == ["control"]    # and nowhere else


def test_a_user_s_own_socket_is_in_his_runtime_directory(daemon, folder):
    exporters.need()
    prefix = []
    if os.getuid() == 0:
        prefix = offerers.as_user(*offerers.IDS["daemon"])
        os.chown(folder, *offerers.IDS["daemon"])
    process = subprocess.Popen(
        [*prefix, exporters.EXPORTER, "--control", daemon.path],
        env=dict(os.environ, XDG_RUNTIME_DIR=folder), stderr=subprocess.PIPE)
    with process:
        path = f"{folder}/tcpmux-exporter/http"
        said = process.stderr.readline().decode("ascii")
        assert said == f"tcpmux-exporter: listening on unix:{path}\n"
        connection = UnixConnection(path)
        connection.request("GET", "/metrics")
        assert b"tcpmux_up 1\n" in connection.getresponse().read()
        connection.close()
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    assert not os.path.exists(path)


def test_its_socket_goes_with_it(folder, start):
    """And is of the user and the group, whatever the umask was."""
    exporter = start(activated=False, preexec_fn=lambda: os.umask(0o077))
    path = pathlib.Path(exporter.path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    if os.getuid() == 0:
        os.chown(folder, path.stat().st_uid, -1)
    exporter.process.send_signal(signal.SIGTERM)
    assert exporter.process.wait(proc.PATIENCE) == 0
    assert not path.exists()


def test_a_socket_that_was_left_is_replaced_and_one_in_use_is_not(folder,
                                                                 start):
    first = start(activated=False).process
    first.kill()
    first.wait(proc.PATIENCE)
    assert os.path.exists(f"{folder}/http")
    second = start(activated=False)
    assert "tcpmux_up 0\n" in second.metrics(over=UnixConnection(second.path))
    assert "in use" in refused("--socket", second.path, *own())
    assert "tcpmux_up 0\n" in second.metrics(over=UnixConnection(second.path))


def test_it_holds_next_to_nothing(exporter):
    """No privilege, no new one, no process, no dump, few descriptors."""
    status = proc.status(exporter.process.pid)
    assert status["NoNewPrivs"] == "1"
    if os.getuid() == 0:
        assert "0" not in status["Uid"].split() + status["Gid"].split()
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    limits = proc.read(exporter.process.pid, "limits")
    for what, limit in (("core file size", 0), ("processes", 0),
                        ("open files", 256)):
        line = re.search(f"^Max {what} +([0-9]+) +([0-9]+)", limits, re.M)
        assert int(line[1]) == int(line[2]) <= limit
    assert status["Threads"] == "1"


# A daemon of flesh and blood.

def test_it_tells_what_a_daemon_has_done(tcpmuxd, start):
    mux = tcpmuxd(conf=f'''
readers = {{"{exporters.USER}"}}
service "echo" {{ builtin = "echo" }}
service "gone" {{ relay = "unix:/nowhere/at/all" }}
''')
    exporter = start(control=mux.control)   # noqa: F811
    for name, times in (("echo", 3), ("gone", 2), ("nobody", 4), ("HELP", 1)):
        for _ in range(times):
            server.ask(mux.addresses[0], name.encode() + b"\r\n")

    def found():
        all_samples = samples(exporter.metrics(Accept=OPEN))
        accepted = all_samples["tcpmux_connections_accepted_total"][0].value
        down = by(all_samples["tcpmux_connections_refused_total"], "reason")
        return accepted == 10 and down[("down",)] == 2 and all_samples

    all_samples = proc.wait_until(found, "ten connections to be counted")
    assert by(all_samples["tcpmux_connections_refused_total"], "reason")[
        ("unknown",)] == 4
    assert by(all_samples["tcpmux_requests_total"], "service", "kind") == {
        ("echo", "echo"): 3, ("gone", "relay"): 2, ("tcpmux", "tcpmux"): 0}
    assert by(all_samples["tcpmux_builtin_requests_total"], "name")[
        ("help",)] == 1
    assert by(all_samples["tcpmux_handover_seconds_count"], "service")[
        ("echo",)] == 3
    roles = {s.labels["role"] for s in all_samples["tcpmux_process_info"]}
    assert {"monitor", "front", "relay", "registrar"} <= roles
    mux.stop()
    assert "tcpmux_up 0\n" in proc.wait_until(
        lambda: (lambda text: "tcpmux_up 0" in text and text)(
            exporter.metrics()), "the daemon to be missed")
