"""Programs that tcpmuxd starts, seen from inside and from the client (T1)."""

import collections
import fcntl
import grp
import os
import pathlib
import pwd
import signal
import shutil
import socket
import termios

import pytest

import proc
import server

OK = b"+OK FINE\r\n"
FULL = b"-busy: this service is full, try again in a moment\r\n"
BROKEN = b"-Not set up right: tell the administrator of this server\r\n"
RULES = ("PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP",
         "TCPLOCALPORT", "REMOTE_ADDR", "REMOTE_PORT", "TCPMUX_SERVICE")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
NO_RIGHTS = "0" * 16
MIB = 1 << 20
CAP_SYS_NICE = 23
CAP_SYS_RESOURCE = 24


def needs_root():
    """Skip where only root can see to it."""
    if os.getuid() != 0:
        pytest.skip("only root can do this")


def me():
    """The user that programs of these tests run as."""
    return "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def user_option():
    """The option for it, which only root needs."""
    return f'user = "{me()}"' if os.getuid() == 0 else ""


@pytest.fixture(name="show")
def show_program(folder):
    """The path of tests/programs/show.c, where every user may run it."""
    path = f"{folder}/show"
    shutil.copy(server.BUILD / "tests/show", path)
    os.chmod(path, 0o755)
    return path


def service(name, program, *words, options=""):
    """One service of a configuration."""
    argv = ", ".join(f'"{word}"' for word in (program, *words))
    user = "" if "user =" in options else user_option()
    return f'service "{name}" {{ exec = {{{argv}}} {user} {options} }}\n'


def facts(text):
    """What show says: the values of each key."""
    found = collections.defaultdict(list)
    for line in text.decode().split("\n"):
        key, _, value = line.partition(" ")
        found[key].append(value.strip())
    assert found["end"], text
    return found


def ask(started, name="show"):
    """The facts of the program of a service, after +."""
    heard = server.ask(started.addresses[0], name.encode() + b"\r\n")
    assert heard.startswith(OK), heard
    return facts(heard[len(OK):])


def environment(found):
    """The environment, by name."""
    return dict(line.split("=", 1) for line in found["env"])


def all_capabilities():
    """The bounding set of this process."""
    return proc.status("self")["CapBnd"]


# Who the program is.

def assert_is(found, user, groups):
    """Its ids are the user's, all of them, and it has no right at all."""
    assert found["uid"] == [f"{user.pw_uid} " * 2 + str(user.pw_uid)]
    assert found["gid"] == [f"{user.pw_gid} " * 2 + str(user.pw_gid)]
    assert set(found["groups"][0].split()) == {str(g) for g in groups}
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert found[name] == [NO_RIGHTS], name
    assert found["NoNewPrivs"] == ["1"]
    assert found["Seccomp"][0] == "0"       # nor Landlock, but that is mute


def test_t1_a_program_of_root_is_its_user(tcpmuxd, show):
    """Real, effective and saved ids, groups, capabilities, no_new_privs."""
    needs_root()
    found = ask(tcpmuxd(conf=service("show", show)))
    nobody = pwd.getpwnam("nobody")
    groups = os.getgrouplist("nobody", nobody.pw_gid)
    assert_is(found, nobody, groups)
    assert found["CapBnd"] == [NO_RIGHTS]


def test_t1_a_program_of_a_plain_user_is_that_user(tcpmuxd, show):
    """Started by anybody, the daemon runs programs as him."""
    prefix = AS_NOBODY if os.getuid() == 0 else ()
    text = f'control = none\nservice "show" {{ exec = {{"{show}"}} }}\n'
    started = tcpmuxd(conf=text, prefix=prefix)
    user = pwd.getpwuid(65534 if prefix else os.getuid())
    assert_is(ask(started), user, [] if prefix else os.getgroups())


def test_t1_rights_of_a_plain_daemon_are_not_its_programs(tcpmuxd, show):
    """An ambient capability, as for port 1, ends at the program."""
    needs_root()
    prefix = (*AS_NOBODY, "--inh-caps=+net_bind_service",
              "--ambient-caps=+net_bind_service")
    text = f'control = none\nservice "show" {{ exec = {{"{show}"}} }}\n'
    found = ask(tcpmuxd(conf=text, prefix=prefix))
    assert_is(found, pwd.getpwuid(65534), [])


def test_cve_2013_4342_no_service_runs_as_root_by_mistake(tcpmuxd, show):
    """xinetd ran every service behind its tcpmux as root.

    Here each has its user, nested or not, and however the name is written.
    """
    needs_root()
    started = tcpmuxd(conf=service("show", show) +
                      service("games", show, options='user = "games"'))
    for name in (b"show", b"SHOW", b"games"):
        heard = server.ask(started.addresses[0], b"tcpmux\r\n" + name +
                           b"\r\n")
        assert heard.startswith(OK + OK)
        found = facts(heard[2 * len(OK):])
        user = "games" if name == b"games" else "nobody"
        uid = pwd.getpwnam(user).pw_uid
        assert found["uid"] == [f"{uid} {uid} {uid}"]


def test_t1_group_and_groups_are_those_configured(tcpmuxd, show):
    """group = and groups = take the place of the user's own."""
    needs_root()
    found = ask(tcpmuxd(conf=service(
        "show", show, options='group = "daemon" groups = {"bin", "sys"}')))
    gid = grp.getgrnam("daemon").gr_gid
    assert found["gid"] == [f"{gid} {gid} {gid}"]
    wanted = {grp.getgrnam(name).gr_gid for name in ("bin", "sys")}
    assert wanted <= {int(g) for g in found["groups"][0].split()} <= \
        wanted | {gid}


def test_t1_root_keeps_its_rights_if_asked_for(tcpmuxd, show):
    """user = root is possible, and then it is root; but no more than that."""
    needs_root()
    found = ask(tcpmuxd(conf=service("show", show,
                                     options='user = "root"')))
    assert found["uid"] == ["0 0 0"]
    assert found["CapEff"] == found["CapPrm"] == [all_capabilities()]
    assert found["CapInh"] == found["CapAmb"] == [NO_RIGHTS]
    assert found["NoNewPrivs"] == ["1"]


def test_new_privileges_are_for_those_who_ask(tcpmuxd, show):
    """no-new-privileges = false lets set-user-ID programs work."""
    started = tcpmuxd(conf=service(
        "show", show, options="no-new-privileges = false"))
    found = ask(started)
    assert found["NoNewPrivs"] == ["0"]
    assert found["CapEff"] == found["CapPrm"] == [NO_RIGHTS]
    if os.getuid() == 0:
        assert found["CapBnd"] == [all_capabilities()]


# What it starts with.

def test_rule_32_descriptors_are_the_connection_and_a_pipe(tcpmuxd, show):
    """0 and 1 are the connection, blocking; 2 goes to the log."""
    fds = [line.split() for line in ask(tcpmuxd(conf=service(
        "show", show)))["fd"]]
    assert [fd[0] for fd in fds] == ["0", "1", "2"]
    assert fds[0][1].startswith("socket:")
    assert fds[1][1] == fds[0][1]
    assert fds[2][1].startswith("pipe:")
    assert all(fd[2:] == ["blocking", "kept"] for fd in fds)


@pytest.mark.parametrize("where", ["socket", "null"])
def test_rule_32_standard_error_is_where_it_is_wanted(tcpmuxd, show, where):
    """stderr = socket is the connection, too; null is nowhere."""
    fds = [line.split() for line in ask(tcpmuxd(conf=service(
        "show", show, options=f"stderr = {where}")))["fd"]]
    wanted = fds[0][1] if where == "socket" else "/dev/null"
    assert [fd[0] for fd in fds] == ["0", "1", "2"]
    assert fds[2][1:] == [wanted, "blocking", "kept"]


def test_t1_nothing_that_the_daemon_has_open_gets_there(tcpmuxd, show):
    """Whoever starts the daemon may leave it descriptors."""
    ends = os.pipe()
    started = tcpmuxd(conf=service("show", show), pass_fds=ends)
    for fd in ends:
        os.close(fd)
    assert len(ask(started)["fd"]) == 3


def test_rule_32_signals_are_the_default(tcpmuxd, show):
    """Whatever the daemon blocks, or was started to ignore."""
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

    found = ask(tcpmuxd(conf=service("show", show), preexec_fn=ignore))
    for name in ("SigBlk", "SigIgn", "SigCgt"):
        assert found[name] == [NO_RIGHTS], name


def test_a_program_has_a_session_of_its_own(tcpmuxd, show):
    """No terminal of the daemon's, and none of its signals."""
    leader, follower = os.openpty()

    def take_terminal():
        os.setsid()
        fcntl.ioctl(follower, termios.TIOCSCTTY, 0)

    found = ask(tcpmuxd(conf=service("show", show),
                        preexec_fn=take_terminal, pass_fds=(follower,)))
    os.close(leader)
    os.close(follower)
    pid = found["pid"][0]
    assert found["session"] == [f"{pid} {pid}"]
    assert found["terminal"] == ["no"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_rule_32_the_environment_is_clean_but_for_the_peer(
        tcpmuxd, show, host):
    """Nothing of the daemon's environment, nothing of the client's bytes."""
    text = f'listen "{host}" {{ port = 0 }}\n' + service("Show", show)
    started = tcpmuxd(conf=text, env=os.environ | {"SECRET": "x"})
    with server.connect(started.addresses[0]) as sock:
        sock.sendall(b"sHOW\r\n")
        sock.shutdown(socket.SHUT_WR)
        port = sock.getsockname()[1]
        found = environment(facts(server.read_all(sock)[len(OK):]))
    assert found == {
        "PROTO": "TCP", "TCPREMOTEIP": host, "TCPREMOTEPORT": str(port),
        "TCPLOCALIP": host, "TCPLOCALPORT": str(started.addresses[0][1]),
        "REMOTE_ADDR": host, "REMOTE_PORT": str(port),
        "TCPMUX_SERVICE": "Show", "PATH": DEFAULT_PATH}


def test_environment_and_arguments_are_those_configured(tcpmuxd, show):
    """environment = adds, and may set PATH; argv0 = is seen as the name."""
    started = tcpmuxd(conf=service(
        "show", show, "one",
        options='environment = {"PATH=/bin", "A=b=c"} argv0 = "-name"'))
    found = ask(started)
    assert found["argv"] == ["-name", "one"]
    variables = environment(found)
    assert variables["PATH"] == "/bin"
    assert variables["A"] == "b=c"
    assert set(variables) == {*RULES, "PATH", "A"}


def test_defaults_of_what_else_a_program_has(tcpmuxd, show):
    """A umask, a folder, a priority, and as many files as select() knows."""
    found = ask(tcpmuxd(conf=service("show", show), umask=0o077,
                        cwd="/tmp"))
    assert found["umask"] == ["022"]
    assert found["cwd"] == ["/"]
    assert found["nice"] == ["0"]
    nofile = [line.split() for line in found["rlimit"]][7]
    assert nofile[:2] == ["7", "1024"]


def test_what_else_a_program_has_can_be_configured(tcpmuxd, show):
    """umask, directory, nice, rlimits."""
    found = ask(tcpmuxd(conf=service(
        "show", show, options='umask = 027 directory = "/tmp" nice = 5 '
        'rlimits = {"nofile=100", "fsize=1M:2M"}')))
    assert found["umask"] == ["027"]
    assert found["cwd"] == ["/tmp"]
    assert found["nice"] == ["5"]
    limits = dict(line.split(" ", 1) for line in found["rlimit"])
    assert limits["7"].split()[0] == "100"
    assert limits["1"] == f"{MIB} {2 * MIB}"


def needs_capability(number):
    """Skip where root does not have this one, as in a container."""
    needs_root()
    if int(proc.status("self")["CapEff"], 16) >> number & 1 == 0:
        pytest.skip(f"root has no capability {number} here")


def test_a_hard_limit_is_raised_before_the_user_is_taken(tcpmuxd, show):
    """Root can give a program more than the daemon has."""
    needs_capability(CAP_SYS_RESOURCE)
    found = ask(tcpmuxd(conf=service("show", show,
                                     options='rlimits = {"core=1M"}'),
                        prefix=("prlimit", "--core=0:0")))
    limits = dict(line.split(" ", 1) for line in found["rlimit"])
    assert limits["4"] == f"{MIB} {MIB}"


def test_nice_is_lowered_before_the_user_is_taken(tcpmuxd, show):
    """Root can put a program before others."""
    needs_capability(CAP_SYS_NICE)
    found = ask(tcpmuxd(conf=service("show", show, options="nice = -5")))
    assert found["nice"] == ["-5"]


# The conversation.

def test_rule_20_and_31_bytes_go_both_ways_whole(tcpmuxd):
    """Data right behind the name, then half-close: all of it comes back."""
    started = tcpmuxd(conf=service("cat", "/bin/cat"))
    data = os.urandom(MIB)
    with server.connect(started.addresses[0]) as sock:
        pid = os.fork()
        if pid == 0:
            sock.sendall(b"cat\r\n" + data)
            sock.shutdown(socket.SHUT_WR)
            os._exit(0)
        heard = server.read_all(sock)
        assert os.waitpid(pid, 0)[1] == 0
    assert heard == OK + data


def test_rule_16_a_program_may_say_plus_itself(tcpmuxd, show):
    """reply = service: not a byte is ours."""
    started = tcpmuxd(conf=service("own", show, "say", "+mine\\\\nhello\\\\n",
                                   options="reply = service"))
    assert server.ask(started.addresses[0], b"own\r\n") == b"+mine\nhello\n"


def test_rule_28_the_words_of_plus_can_be_configured(tcpmuxd):
    """ok = is what stands behind the sign."""
    started = tcpmuxd(conf=service("date", "/bin/echo", "x",
                                   options='ok = "Go on"'))
    assert server.ask(started.addresses[0], b"date\r\n") == b"+Go on\r\nx\n"


def make_program_unusable(how, path):
    """Spoil a program that the configuration was right about."""
    if how == "missing":
        os.unlink(path)
    elif how == "not executable":
        os.chmod(path, 0o644)
    elif how == "not permitted":
        os.chmod(path, 0o700 if os.getuid() == 0 else 0)
    elif how == "a folder":
        os.unlink(path)
        os.mkdir(path)


@pytest.mark.parametrize("how, reason", [
    ("missing", "program: No such file or directory"),
    ("not executable", "program: Permission denied"),
    ("not permitted", "program: Permission denied"),
    ("a folder", "program: Permission denied"),
])
def test_rule_28_no_plus_for_what_cannot_start(tcpmuxd, show, how, reason):
    """What has gone wrong since the configuration was read is told by -."""
    started = tcpmuxd(conf=service("show", show))
    make_program_unusable(how, show)
    assert server.ask(started.addresses[0], b"show\r\n") == BROKEN
    started.wait_for(f'name=show verdict=failed reason="{reason}" by=exec')


def test_rule_28_no_plus_without_the_directory(tcpmuxd, show, folder):
    """The folder is entered as the user, not as root."""
    path = pathlib.Path(folder, "private")
    path.mkdir()
    path.chmod(0o755)
    started = tcpmuxd(conf=service("show", show,
                                   options=f'directory = "{path}"'))
    path.chmod(0o700 if os.getuid() == 0 else 0)
    assert server.ask(started.addresses[0], b"show\r\n") == BROKEN
    started.wait_for('verdict=failed reason="directory: Permission denied"')
    path.chmod(0o700)


def test_what_only_exec_finds_wrong_is_logged(tcpmuxd, folder):
    """Behind + nothing is said any more; the log says why."""
    path = pathlib.Path(folder, "noise")
    path.write_bytes(b"\x7fELF, but no program")
    path.chmod(0o755)
    started = tcpmuxd(conf=service("noise", str(path)))
    assert server.ask(started.addresses[0], b"noise\r\n") == OK
    started.wait_for('verdict=failed reason="exec: Exec format error"')


def test_t4_max_holds_and_heals(tcpmuxd):
    """More than max are refused, and when one ends the next is served."""
    started = tcpmuxd(conf=service("cat", "/bin/cat", options="max = 2"))
    address = started.addresses[0]
    held = []
    for _ in range(2):
        held.append(server.connect(address))
        held[-1].sendall(b"cat\r\n")
        assert held[-1].recv(512) == OK
    assert server.ask(address, b"cat\r\n") == FULL
    started.wait_for("name=cat verdict=refused reason=full")
    for sock in held:
        sock.close()
    for _ in held:
        started.wait_for("name=cat verdict=served")
    assert server.ask(address, b"cat\r\nx") == OK + b"x"


def test_a_client_that_reads_nothing_holds_up_nobody(tcpmuxd):
    """Its + does not fit into the socket, and is not waited for."""
    started = tcpmuxd(conf=service("cat", "/bin/cat"))
    address = started.addresses[0]
    request = b"tcpmux\r\n" * 8192
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        deaf.connect(address)
        deaf.setblocking(False)
        for _ in range(200):
            try:
                deaf.send(request)
            except BlockingIOError:
                pass
            assert server.ask(address, b"cat\r\nx") == OK + b"x"


# What becomes of it.

@pytest.mark.parametrize("words, result", [
    (("exit", "0"), "status=0"),
    (("exit", "7"), "status=7"),
    (("signal", "15"), "signal=15"),
])
def test_the_end_of_a_program_is_logged(tcpmuxd, show, words, result):
    """Who ran, for how long, and how it ended."""
    started = tcpmuxd(conf=service("show", show, *words))
    assert server.ask(started.addresses[0], b"show\r\n") == OK
    started.wait_for(
        r"^time=\S+Z peer=127\.0\.0\.1:\d+ listener=127\.0\.0\.1:\d+ "
        rf"name=show verdict=served by=exec user={me()} ms=\d+ {result}$")


def test_standard_error_of_a_program_is_in_the_log(tcpmuxd, show):
    """Line by line, with its name and process; escaped."""
    started = tcpmuxd(conf=service(
        "show", show, "stderr", "one\\\\n\x7f\\\\nlast", "exit", "0"))
    assert server.ask(started.addresses[0], b"show\r\n") == OK
    for text in ("one", r"\\x7f", "last"):
        started.wait_for(rf"^tcpmuxd: show\[\d+\]: {text}$")


def test_t6_a_program_cannot_flood_the_log(tcpmuxd, show):
    """It is read to its end; of most lines only the number is told."""
    lines = 100000
    started = tcpmuxd(conf=service("show", show, "flood", str(lines),
                                   "exit", "0"))
    assert server.ask(started.addresses[0], b"show\r\n") == OK
    told = 0
    while told < lines:
        line = started.wait_for(r"^tcpmuxd: show\[\d+\]: (.*)$")[1]
        told += int(line.partition("=")[2] or 1)
    assert told == lines
    assert len(started.said) < lines // 10


def test_programs_survive_the_end_of_the_daemon(tcpmuxd):
    """As inetd's do: whoever is served goes on being served."""
    started = tcpmuxd(conf=service("cat", "/bin/cat", options="stderr = null"))
    with server.connect(started.addresses[0]) as sock:
        sock.sendall(b"cat\r\n")
        assert sock.recv(512) == OK
        assert started.stop() == 0
        sock.sendall(b"still there")
        sock.shutdown(socket.SHUT_WR)
        assert server.read_all(sock) == b"still there"


def test_t10_programs_survive_the_end_of_spawn(tcpmuxd):
    """kill -9: they go on, nothing stays counted, the next one is served."""
    started = tcpmuxd(conf=service("cat", "/bin/cat", options="max = 1"))
    address = started.addresses[0]
    with server.connect(address) as sock:
        sock.sendall(b"cat\r\n")
        assert sock.recv(512) == OK
        os.kill(started.wait_named("spawn")[0], signal.SIGKILL)
        started.wait_for("the spawn .* was ended by signal 9")
        assert server.ask(address, b"cat\r\nx") == OK + b"x"
        sock.sendall(b"still there")
        sock.shutdown(socket.SHUT_WR)
        assert server.read_all(sock) == b"still there"


def test_t3_descriptors_return_to_the_baseline(tcpmuxd, show):
    """Of spawn and of the logger, after programs of every kind of end."""
    needs_root()        # nobody else may look into spawn
    started = tcpmuxd(conf=service("good", "/bin/true") +
                      service("bad", show) +
                      service("loud", show, "stderr", "x\\\\n", "exit", "1"))
    address = started.addresses[0]
    os.unlink(show)
    assert server.ask(address, b"good\r\n") == OK
    started.settle()
    pids = [started.wait_named(name)[0] for name in ("spawn", "logger")]
    before = [proc.fds(pid) for pid in pids]
    for _ in range(50):
        for name, reply in ((b"good", OK), (b"bad", BROKEN)):
            assert server.ask(address, name + b"\r\n") == reply
    proc.wait_until(lambda: [proc.fds(pid) for pid in pids] == before,
                    "descriptors to be closed")


def test_a_terminal_signal_is_not_for_programs(tcpmuxd):
    """Control-C ends the daemon in the foreground, not what it started."""
    started = tcpmuxd(conf=service("cat", "/bin/cat", options="stderr = null"),
                      preexec_fn=os.setpgrp)
    with server.connect(started.addresses[0]) as sock:
        sock.sendall(b"cat\r\n")
        assert sock.recv(512) == OK
        os.killpg(started.pid, signal.SIGINT)
        assert started.wait() == 0
        sock.sendall(b"x")
        sock.shutdown(socket.SHUT_WR)
        assert server.read_all(sock) == b"x"
