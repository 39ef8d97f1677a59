"""The control socket and the registrar behind it, asked without libtcpmux."""

import array
import contextlib
import os
import pathlib
import pwd
import select
import signal
import socket
import stat
import threading

import pytest

import proc
import server
from services import HANDOVER, OK

ROOT = os.getuid() == 0
OTHER = 54321           # a user of no name

needs_root = pytest.mark.skipif(
    not ROOT, reason="only root can be another user")


class Program:
    """A program that offers a name, on a socket of its own."""

    def __init__(self, path, user=None):
        self.socket = connect(path) if user is None else connect_as(path, user)
        self.socket.settimeout(proc.PATIENCE)

    def ask(self, request):
        """Send a message; return the answer."""
        self.socket.send(request)
        return self.hear()

    def hear(self):
        """The next message, which brings no descriptor."""
        data, fds, _, _ = socket.recv_fds(self.socket, 1024, 4)
        assert not fds
        return data

    def take(self):
        """The next connection and its name."""
        data, fds, _, _ = socket.recv_fds(self.socket, 1024, 4)
        assert len(fds) == 1, data
        return (socket.socket(fileno=fds[0]),
                data[HANDOVER.size:].decode("ascii"))

    def serve(self, text):
        """Answer connections with a text until the end; return that."""
        while True:
            data, fds, _, _ = socket.recv_fds(self.socket, 1024, 4)
            if not fds:
                return data
            with socket.socket(fileno=fds[0]) as sock:
                sock.settimeout(proc.PATIENCE)
                sock.sendall(b"+" + text + b"\r\n")
                sock.shutdown(socket.SHUT_WR)
                sock.recv(1)        # so that no reset overtakes it

    def close(self):
        """Withdraw the offer."""
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connect(path):
    """A socket that is connected to the control socket."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock


def connect_as(path, user, groups=()):
    """The same by another user: a child connects, and gives it to us."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        status = 1
        with contextlib.suppress(OSError):
            os.setgroups(groups)
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            with connect(path) as sock:
                socket.send_fds(theirs, [b"x"], [sock.fileno()])
            status = 0
        os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    fds = socket.recv_fds(ours, 1, 1)[1]
    ours.close()
    theirs.close()
    return socket.socket(fileno=fds[0])


@pytest.fixture
def control(folder):
    """The path of the test's control socket."""
    os.mkdir(f"{folder}/run")
    os.chmod(f"{folder}/run", 0o755)
    return f"{folder}/run/control"


@pytest.fixture
def mux(control, tcpmuxd):
    """A tcpmuxd with a control socket; more is of its configuration."""
    def start(more=""):
        return tcpmuxd(conf=f'control = "{control}"\n{more}')
    return start


@pytest.fixture
def program(control):
    """Programs that end with the test."""
    with contextlib.ExitStack() as stack:
        def new(request=None, user=None):
            one = stack.enter_context(Program(control, user))
            if request is not None:
                answer = one.ask(request)
                assert answer.startswith(b"+"), answer
            return one
        yield new


def call(started, name):
    """What the mux answers to a client."""
    return server.ask(started.addresses[0], name + b"\r\n")


def wait_until_kept(started, name):
    """Wait until the fronts know that nobody is there for it."""
    proc.wait_until(
        lambda: call(started, name).startswith(b"-Service not running"),
        "a name to be kept")


def check_served(started, one, name, spelled=None):
    """A client of name comes to the program."""
    with server.connect(started.addresses[0]) as sock:
        sock.sendall(name + b"\r\nearly")
        ready = select.select([sock, one.socket], [], [], proc.PATIENCE)[0]
        assert ready == [one.socket], sock in ready and sock.recv(64)
        taken, heard = one.take()
        with taken:
            assert heard == (spelled or name.decode("ascii"))
            taken.sendall(OK)
            assert taken.recv(64) == b"early"
            assert sock.recv(64) == OK


def test_an_offered_name_is_served_and_listed(mux, program):
    started = mux()
    one = program()
    assert one.ask(b"offer/Web.1\r\n") == b"+Web.1\r\n"
    check_served(started, one, b"wEB.1", "Web.1")
    assert call(started, b"help") == b"tcpmux\r\nWeb.1\r\n"


def test_a_hidden_name_is_served_and_not_listed(mux, program):
    started = mux()
    one = program(b"offer,hidden/secret\r\n")
    check_served(started, one, b"secret")
    assert call(started, b"help") == b"tcpmux\r\n"


@pytest.mark.parametrize("line", [
    b"offer/" + b"n" * 200, b"OFFER/x", b"Offer,Share,Hidden,Replace/x",
    b"offer/a/b", b"offer/,", b"offer/!~"])
def test_a_good_request_is_granted(mux, program, line):
    mux()
    assert program().ask(line + b"\r\n") == \
        b"+" + line.partition(b"/")[2] + b"\r\n"


@pytest.mark.parametrize("message", [
    b"\r\n", b"offer", b"offer/x", b"offer/x\n", b"offer/x\r", b"off/x\r\n",
    b"offer\r\n", b"offer,/x\r\n", b"offer,share,/x\r\n", b",offer/x\r\n",
    b"offer,shared/x\r\n", b"offer,share,share/x\r\n", b"offer share/x\r\n",
    b"offer/x y\r\n", b"offer/x\r\n\r\n", b"offer/x\r\noffer/y\r\n",
    b"offer/\x80\r\n", b"offer/x\0\r\n", b" offer/x\r\n", b"offers/x\r\n",
    b"help\r\n", b"x" * 257, b"x" * 258, b"offer/" + b"n" * 250 + b"\r\n",
    b"offer/" + b"n" * 60000 + b"\r\n", b""])
def test_what_is_no_request_is_refused(mux, program, message):
    mux()
    one = program()
    assert one.ask(message).startswith(b"-request ")
    assert one.hear() == b""


@pytest.mark.parametrize("name", [
    b"", b"help", b"HELP", b"tcpmux", b"TcpMux", b"+x", b"-x", b"n" * 201,
    b"n" * 249])
def test_a_name_that_cannot_be_offered_is_refused(mux, program, name):
    mux()
    one = program()
    assert one.ask(b"offer/" + name + b"\r\n").startswith(b"-name ")
    assert one.hear() == b""


def test_a_configured_name_is_refused(mux, program):
    mux('service "time" { builtin = daytime alias = {"clock"} }\n')
    for name in (b"TIME", b"clock"):
        assert program().ask(b"offer/" + name + b"\r\n").startswith(
            b"-configured ")


def test_a_service_to_be_offered_has_the_configured_spelling(mux, program):
    started = mux('service "Web" { offered-by = {"root"} '
                  'alias = {"www"} description = "pages" }\n'
                  if ROOT else
                  'service "Web" { offered-by = {"%root"} '
                  'alias = {"www"} }\n')
    assert call(started, b"web").startswith(b"-Service not running")
    one = program()
    assert one.ask(b"offer/WWW\r\n") == b"+Web\r\n"
    check_served(started, one, b"web", "Web")
    check_served(started, one, b"www", "Web")
    assert program().ask(b"offer/web\r\n").startswith(b"-taken ")


def test_a_second_message_is_never_read(mux, program):
    started = mux()
    one = program(b"offer/x\r\n")
    with pytest.raises(BrokenPipeError):
        while True:
            one.socket.send(b"offer/y\r\n")
    assert call(started, b"y").startswith(b"-")
    check_served(started, one, b"x")


def test_two_messages_at_once_are_one_request(mux, program):
    """The daemon is stopped while both are sent."""
    started = mux()
    [registrar] = started.named("regis")
    os.kill(registrar, signal.SIGSTOP)
    one = program()
    one.socket.send(b"offer/x\r\n")
    one.socket.send(b"offer/y\r\n")
    os.kill(registrar, signal.SIGCONT)
    assert one.hear() == b"+x\r\n"
    assert call(started, b"y").startswith(b"-")
    check_served(started, one, b"x")


def test_descriptors_that_are_sent_are_dropped(mux, program):
    started = mux()
    [registrar] = started.named("regis")
    before = len(proc.fds(registrar))
    read, write = os.pipe()
    for _ in range(20):
        with Program(program().socket.getpeername()) as one:
            one.socket.sendmsg([b"offer/x\r\n"], [(
                socket.SOL_SOCKET, socket.SCM_RIGHTS,
                array.array("i", [write] * 3))])
            one.hear()
    os.close(write)
    assert os.read(read, 1) == b""          # nobody has it any more
    os.close(read)
    proc.wait_until(lambda: len(proc.fds(registrar)) <= before + 20,
                    "descriptors to be closed")


def test_who_asks_nothing_is_gone_first(mux, program):
    """The oldest of the user's 64 goes; and those who ask are heard."""
    mux()
    idle = [program() for _ in range(65)]
    assert idle[0].hear().startswith(b"-busy ")
    program(b"offer/x\r\n")
    assert idle[64].ask(b"offer/y\r\n") == b"+y\r\n"


def test_at_the_end_who_asks_nothing_is_told(mux, program):
    started = mux()
    idle = program()
    program(b"offer/x\r\n")     # so that the other has been accepted
    started.process.send_signal(signal.SIGTERM)
    assert idle.hear().startswith(b"-stopping ")
    assert started.wait() == 0


@pytest.mark.parametrize("second, answer", [
    (b"offer/x\r\n", b"-taken "), (b"offer,share/x\r\n", b"-taken "),
    (b"offer,replace/X\r\n", b"+x\r\n")])
def test_a_name_that_the_same_user_offers(mux, program, second, answer):
    mux()
    program(b"offer/x\r\n")
    assert program().ask(second).startswith(answer)


def test_who_share_a_name_share_the_connections(mux, program):
    """The next goes to where fewer wait; and to who is left."""
    started = mux()
    shared = [program(b"offer,share/x\r\n"), program(b"offer,share/X\r\n")]
    started.settle()            # every front knows of both
    with contextlib.ExitStack() as stack:
        idle = [one.socket for one in shared]
        while idle:
            sock = stack.enter_context(server.connect(started.addresses[0]))
            sock.sendall(b"x\r\n")
            ready = select.select(idle, [], [], proc.PATIENCE)[0]
            assert len(ready) == 1
            idle.remove(ready[0])
        for one in shared:
            stack.enter_context(one.take()[0])
    shared[0].close()
    for _ in range(10):
        check_served(started, shared[1], b"x")


def test_replacing_leaves_no_gap(mux, program):
    """Each of many clients is served, by one program or the next."""
    started = mux()
    over = threading.Event()
    answers = []

    def calls():
        while not over.is_set():
            answers.append(call(started, b"x"))

    def serve(one, text):
        thread = threading.Thread(target=lambda: ends.append(one.serve(text)))
        thread.start()
        threads.append(thread)

    threads, ends = [], []
    serve(program(b"offer/x\r\n"), b"0")
    caller = threading.Thread(target=calls)
    caller.start()
    for i in range(1, 21):
        serve(program(b"offer,replace/x\r\n"), b"%d" % i)
        threads[i - 1].join()
    over.set()
    caller.join()
    assert [end.partition(b" ")[0] for end in ends] == [b"-replaced"] * 20
    assert len(answers) > 0
    assert all(answer.startswith(b"+") for answer in answers), answers
    started.stop()
    threads[20].join()


@needs_root
def test_another_user_may_not_offer(mux, program):
    mux()
    assert program(user=OTHER).ask(b"offer/x\r\n").startswith(b"-denied ")


@needs_root
def test_an_allowed_user_may_offer_and_nobody_else_has_the_name(mux, program):
    started = mux(f'offered-by = {{"{name_of(1)}", "{name_of(2)}"}}\n')
    one = program(b"offer/x\r\n", user=1)
    check_served(started, one, b"x")
    for options in (b"", b",share", b",replace"):
        assert program(user=2).ask(
            b"offer" + options + b"/x\r\n").startswith(b"-taken ")
    for options in (b"", b",share"):
        assert program().ask(
            b"offer" + options + b"/x\r\n").startswith(b"-taken ")
    two = program(b"offer,replace/x\r\n")       # root may
    assert one.hear().startswith(b"-replaced ")
    check_served(started, two, b"x")


def name_of(uid):
    """The name of a user of every machine."""
    return pwd.getpwuid(uid).pw_name


@needs_root
def test_a_name_is_kept_for_its_user(mux, program):
    started = mux(f'offered-by = {{"{name_of(1)}", "{name_of(2)}"}}\n')
    program(b"offer/x\r\n", user=1).close()
    wait_until_kept(started, b"x")
    for user in (None, 2):
        assert program(user=user).ask(b"offer/x\r\n").startswith(b"-taken ")
    one = program(b"offer/x\r\n", user=1)
    check_served(started, one, b"x")


@needs_root
def test_each_user_has_so_many_and_no_more(mux, program):
    started = mux(f'offered-by = {{"{name_of(1)}", "{name_of(2)}"}}\n'
                  'max-offers-per-user = 2\nmax-offers = 5\n')
    mine = [program(b"offer/%d\r\n" % i, user=1) for i in range(2)]
    assert program(user=1).ask(b"offer/more\r\n").startswith(b"-busy ")
    replaced = program(b"offer,replace/1\r\n", user=1)
    assert mine[1].hear().startswith(b"-replaced ")
    for i in range(2, 5):
        program(b"offer/%d\r\n" % i)        # root has no such limit
    assert program().ask(b"offer/more\r\n").startswith(b"-busy ")
    replaced.close()
    proc.wait_until(
        lambda: any("name=1" in line and "withdrawn by=" in line
                    for line in started.said), "the end of an offer")
    proc.wait_until(
        lambda: program().ask(b"offer/more\r\n").startswith(b"+"),
        "a place")


@needs_root
def test_kept_names_are_bounded(mux, program):
    """Of a user's kept names the oldest is free as soon as there are more."""
    started = mux(f'offered-by = {{"{name_of(1)}"}}\n'
                  'max-offers-per-user = 2\n')
    for name in (b"a", b"b", b"c"):
        program(b"offer/" + name + b"\r\n", user=1).close()
        wait_until_kept(started, name)
    proc.wait_until(lambda: call(started, b"a").startswith(b"-No such"),
                    "a name to be free")
    program(b"offer/a\r\n")
    for name in (b"b", b"c"):
        assert program().ask(b"offer/" + name + b"\r\n").startswith(b"-taken")


def test_offers_stay_across_reloads(mux, control, program):
    started = mux()
    text = pathlib.Path(started.conf).read_text(encoding="ascii")
    names = [b"name-%d" % i for i in range(50)]
    offers = [program(b"offer,hidden/" + name + b"\r\n") for name in names]
    idle = program()
    program(b"offer/kept\r\n").close()
    wait_until_kept(started, b"kept")
    for _ in range(20):
        started.reload(text)
        check_served(started, offers[7], names[7])
    for one, name in zip(offers, names):
        check_served(started, one, name)
    assert call(started, b"help") == b"tcpmux\r\n"
    assert call(started, b"kept").startswith(b"-Service not running")
    assert idle.ask(b"offer/idle\r\n") == b"+idle\r\n"
    check_served(started, idle, b"idle")
    assert os.path.exists(control)


def test_a_reload_takes_away_what_is_not_allowed_any_more(mux, program):
    started = mux('service "b" { offered-by = {"root"} }\n' if ROOT else "")
    text = pathlib.Path(started.conf).read_text(encoding="ascii")
    a = program(b"offer/a\r\n")
    b = program(b"offer/b\r\n")
    c = program(b"offer/c\r\n")
    started.reload(text.replace('service "b"', '# ') +
                   'service "A" { builtin = daytime }\n'
                   'service "c" { offered-by = {"root"} }\n')
    assert a.hear().startswith(b"-configured ")
    assert a.hear() == b""
    proc.wait_until(
        lambda: any("name=a verdict=withdrawn reason=configured " in line
                    for line in started.said), "the end of an offer")
    assert call(started, b"a").startswith(b"+")
    check_served(started, b, b"b")
    check_served(started, c, b"c")


@needs_root
def test_a_reload_takes_away_a_users_right(mux, program):
    rule = f'offered-by = {{"{name_of(1)}"}}\n'
    started = mux(rule)
    text = pathlib.Path(started.conf).read_text(encoding="ascii")
    one = program(b"offer/a\r\n", user=1)
    started.reload(text.replace(rule, ""))
    assert one.hear().startswith(b"-denied ")
    assert one.hear() == b""
    assert call(started, b"a").startswith(b"-No such service")


def test_a_reload_that_fails_changes_nothing(mux, program):
    started = mux()
    one = program(b"offer/x\r\n")
    idle = program()
    # Enough to read the configuration, and too few to start all.
    started.limit_files(len(proc.fds(started.pid)) + 5, started.pid)
    started.process.send_signal(signal.SIGHUP)
    started.wait_for("configuration not changed")
    started.limit_files(1024, started.pid)
    started.generation += 1         # it had a number
    check_served(started, one, b"x")
    assert idle.ask(b"offer/y\r\n") == b"+y\r\n"
    check_served(started, idle, b"y")
    started.reload(pathlib.Path(started.conf).read_text(encoding="ascii"))
    check_served(started, one, b"x")
    check_served(started, idle, b"y")


def test_a_reload_cannot_move_the_socket(mux, folder):
    started = mux()
    text = pathlib.Path(started.conf).read_text(encoding="ascii")
    for control in (f'control = "{folder}/run/other"\n', "control = none\n"):
        server.write_conf(started.conf, control + text.partition("\n")[2]
                          if text.startswith("control") else
                          server.ONE_LISTENER + control)
        started.process.send_signal(signal.SIGHUP)
        started.wait_for("control: .* cannot change: restart it")
        started.wait_for("configuration not changed")


def kill_registrar(started):
    """Kill it; the next is there when this returns."""
    [old] = started.named("regis")
    os.kill(old, signal.SIGKILL)
    proc.wait_until(lambda: started.named("regis") not in ([], [old]),
                    "another registrar")


def test_when_the_registrar_is_killed_programs_come_back(mux, program):
    started = mux()
    old = program(b"offer/x\r\n")
    for _ in range(5):
        kill_registrar(started)
        assert old.hear() == b""
        assert call(started, b"x").startswith((b"-Service not run", b"+"))
        old = program(b"offer/x\r\n")
        check_served(started, old, b"x")


@needs_root
def test_when_the_registrar_is_killed_names_are_kept(mux, program):
    """And when it is killed again; and behind a reload."""
    started = mux(f'offered-by = {{"{name_of(1)}", "{name_of(2)}"}}\n')
    text = pathlib.Path(started.conf).read_text(encoding="ascii")
    old = program(b"offer/x\r\n", user=1)
    for i in range(3):
        if i < 2:
            for _ in range(5):      # also before it has read what it is left
                kill_registrar(started)
        else:
            started.reload(text)
        if i == 0:
            assert old.hear() == b""
        for user in (None, 2):
            assert program(user=user).ask(b"offer/x\r\n").startswith(
                b"-taken ")
        wait_until_kept(started, b"x")
    check_served(started, program(b"offer/x\r\n", user=1), b"x")


def test_many_names_come_and_go(mux, program):
    """And leave nothing behind."""
    started = mux()
    [registrar] = started.named("regis")
    program(b"offer/first\r\n")
    before = len(proc.fds(registrar))
    for turn in range(3):
        offers = [program(b"offer/%d-%d\r\n" % (turn, i)) for i in range(300)]
        check_served(started, offers[123], b"%d-123" % turn)
        for one in offers:
            one.close()
        proc.wait_until(lambda: len(proc.fds(registrar)) == before,
                        "descriptors to be closed")
    wait_until_kept(started, b"2-299")
    proc.wait_until(
        lambda: call(started, b"help") == b"first\r\ntcpmux\r\n",
        "every front to know")


def test_the_log_says_who_offers_what(mux, program):
    started = mux()
    program(b"offer/x\r\n")
    program().ask(b"offer/x\r\n")
    program(b"offer,replace/x\r\n").close()
    user = f"by=offer user={os.getuid()}$"
    for line in ("name=x verdict=offered ",
                 "name=x verdict=refused reason=taken ",
                 "name=x verdict=offered ",
                 "name=x verdict=withdrawn reason=replaced ",
                 "name=x verdict=withdrawn "):
        started.wait_for(line + user)


def test_the_log_has_the_name_of_whom_the_configuration_names(mux, program):
    me = pwd.getpwuid(os.getuid()).pw_name
    started = mux(f'offered-by = {{"{me}:x*"}}\n')
    program(b"offer/x\r\n")
    started.wait_for(f"name=x verdict=offered by=offer user={me}$")


def test_the_socket_is_for_everybody_and_goes_with_the_daemon(mux, control):
    started = mux('service "x" { exec = {"/bin/true"} user = "nobody" }\n'
                  if ROOT else "")
    mode = os.stat(control)
    assert stat.S_ISSOCK(mode.st_mode) and mode.st_mode & 0o777 == 0o666
    assert started.stop() == 0
    assert not os.path.exists(control) or not ROOT


def fails(control, more=""):
    """What a daemon says that does not start for its control socket."""
    new = server.Server("-f", write(control, more))
    assert new.wait() != 0
    return "\n".join(new.said)


def write(control, more=""):
    """A configuration beside the folder of the socket."""
    path = f"{os.path.dirname(os.path.dirname(control))}/fails.conf"
    server.write_conf(
        path, server.ONE_LISTENER + f'control = "{control}"\n' + more)
    return path


def test_a_socket_that_is_left_over_is_replaced(mux, control, program):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as old:
        old.bind(control)
    started = mux()
    check_served(started, program(b"offer/x\r\n"), b"x")


def test_a_socket_of_another_daemon_is_left_alone(mux, control, program):
    started = mux()
    assert "another daemon listens there" in fails(control)
    check_served(started, program(b"offer/x\r\n"), b"x")


@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_what_is_no_socket_is_never_removed(control, what):
    if what == "file":
        pathlib.Path(control).write_text("precious", encoding="ascii")
    elif what == "folder":
        os.mkdir(control)
    else:
        os.symlink("/etc/passwd", control)
    assert "something else is there" in fails(control)
    assert os.path.lexists(control)


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777, 0o757])
def test_a_folder_where_others_may_write_is_refused(control, mode):
    os.chmod(os.path.dirname(control), mode)
    assert "others may write" in fails(control)
    assert not os.path.exists(control)


@needs_root
def test_a_folder_of_another_user_is_refused(control):
    os.chown(os.path.dirname(control), OTHER, OTHER)
    assert "another user's folder" in fails(control)


def test_a_folder_that_is_not_there_is_said(folder):
    assert "No such file" in fails(f"{folder}/nowhere/control")


def test_without_a_socket_there_is_no_registrar(control, tcpmuxd):
    started = tcpmuxd(conf="control = none\n")
    assert started.named("regis") == []
    assert not os.path.exists(control)
