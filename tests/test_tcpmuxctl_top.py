"""tcpmuxctl top: live, in a terminal, which it always gives back."""

import os
import signal

import pytest

import fake_desk
import proc
import server
from fake_desk import service, snapshot
from terminal import Terminal

CTL = server.BUILD / "cmd" / "tcpmuxctl"


class Desk(fake_desk.FakeDesk):
    """It has served more each time that it is asked."""

    def __init__(self, path, names=("ssh", "web")):
        self.asked = 0
        self.names = names
        super().__init__(path, {"snapshot": self.tell})

    def tell(self):
        """A second has passed each time, with 50 requests for the first."""
        self.asked += 1
        services = [
            service(name, n=(50 if name == self.names[0] else 7) * self.asked,
                    octets=1000000 * self.asked) for name in self.names]
        return b"+\r\n", snapshot(*services, n=60 * self.asked,
                                  now=1763743600 + self.asked)


@pytest.fixture
def desk(folder):
    """A daemon that is asked."""
    new = Desk(f"{folder}/control")
    yield new
    new.close()


@pytest.fixture
def top(desk):
    """Start top in a terminal; it ends with the test."""
    started = []

    def start(*words, command=None, **terminal):
        started.append(Terminal(
            *(command or [CTL, "--control", desk.path, "--every", "0.1",
                          "top", *words]), **terminal))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()


def ends(terminal, status=0):
    """It has ended well, and the terminal is as it was."""
    assert terminal.wait() == status
    assert terminal.is_as_before()


def test_it_shows_services_with_their_rates(top):
    """A line for each, sorted by requests a second, in 80 columns."""
    terminal = top()
    terminal.wait_for(lambda: terminal.lines[6].split()[:8] == [
        "ssh", "relay", "up", "2", "1/64", "50", "0", "1.00M"], "rates")
    terminal.wait_for(lambda: terminal.lines[7].split()[:6] == [
        "web", "relay", "up", "2", "1/64", "7.0"], "rates")
    terminal.wait_for(lambda: "60/s" in terminal.lines[1])
    assert terminal.lines[5].split() == [
        "SERVICE", "KIND", "STATE", "NOW", "QUEUE", "*REQ/S", "REF/S", "IN/S",
        "OUT/S", "TOTAL"]
    assert terminal.lines[0].startswith("tcpmuxd 0.1.0, serving for 1h00m")
    assert all(len(line) <= 80 for line in terminal.lines)
    terminal.press(b"q")
    ends(terminal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM,
                                    signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_it_well(top, number):
    terminal = top()
    terminal.wait_for("SERVICE")
    terminal.process.send_signal(number)
    ends(terminal)


def test_an_interrupt_from_the_keyboard_ends_it(top):
    terminal = top()
    terminal.wait_for("SERVICE")
    terminal.press(b"\x03")
    ends(terminal)


def test_the_screen_that_was_there_before_comes_back(top):
    """And so does the cursor."""
    terminal = top(term="xterm")
    terminal.wait_for(lambda: b"SERVICE" in terminal.raw, "the table")
    terminal.press(b"q")
    ends(terminal)
    assert b"\x1b[?1049h" in terminal.raw
    assert b"\x1b[?1049l" in terminal.raw.rpartition(b"SERVICE")[2]
    assert terminal.raw.rindex(b"\x1b[?25h") > terminal.raw.rindex(b"\x1b[?25l")


def test_a_terminal_that_hangs_up_ends_it(top):
    terminal = top()
    terminal.wait_for("SERVICE")
    terminal.hang_up()
    assert terminal.process.wait(proc.PATIENCE) == 0


@pytest.mark.parametrize("rows, columns", [(50, 200), (10, 40), (3, 8), (1, 1)])
def test_it_survives_another_size(top, rows, columns):
    """In a narrow one columns give way, and the name is the last."""
    terminal = top()
    terminal.wait_for("TOTAL")
    terminal.resize(rows, columns)
    if rows >= 10:
        terminal.wait_for(lambda: terminal.lines[5].startswith("SERVICE") and
                          terminal.lines[-1].startswith("q ends"))
        assert ("TOTAL" in terminal.lines[5]) == (columns >= 80)
    terminal.resize(24, 80)
    terminal.wait_for(lambda: terminal.lines[5].endswith("TOTAL") and
                      terminal.lines[23].startswith("q ends"))
    terminal.press(b"q")
    ends(terminal)


@pytest.mark.parametrize("columns", [1, 12, 13, 40, 60, 79, 80, 81, 300])
def test_no_column_is_cut_but_the_name(top, columns):
    terminal = top(columns=columns)
    terminal.wait_for(lambda: len(terminal.lines[5]) > columns // 2)
    titles = terminal.lines[5].split()
    assert titles[0].startswith("SERVICE"[:columns])
    assert set(titles[1:]) <= {
        "KIND", "STATE", "NOW", "QUEUE", "*REQ/S", "REF/S", "IN/S", "OUT/S",
        "TOTAL"}
    terminal.press(b"q")
    ends(terminal)


def test_it_is_suspended_and_continued(top, desk):
    """By a shell's job control; the shell has its terminal meanwhile."""
    terminal = top(command=["bash", "--norc", "--noediting", "-i"],
                   env={"PS1": "READY> "})
    terminal.wait_for("READY>")
    terminal.press(f"{CTL} --control {desk.path} --every 0.1 top\n".encode())
    terminal.wait_for("TOTAL")
    for _ in range(3):
        terminal.press(b"\x1a")
        terminal.wait_for("Stopped")
        terminal.press(b"stty -a | tr ';' '\\n'; echo SEE'N'\n")
        terminal.wait_for("SEEN")
        assert " icanon" in terminal.text and " echo " in terminal.text
        terminal.resize(20, 80)
        terminal.press(b"fg\n")
        terminal.wait_for(lambda: terminal.lines[5].endswith("TOTAL") and
                          terminal.lines[19].startswith("q ends"))
        terminal.resize(24, 80)
        terminal.wait_for(lambda: terminal.lines[23].startswith("q ends"))
    terminal.press(b"q")
    terminal.wait_for(lambda: "READY>" in terminal.lines[-1])
    terminal.press(b"exit\n")
    ends(terminal)


def test_it_draws_all_again_when_it_is_continued(top):
    """Whoever has stopped it may have written to the terminal."""
    terminal = top()
    terminal.wait_for("TOTAL")
    terminal.process.send_signal(signal.SIGSTOP)
    proc.wait_until(lambda: proc.state(terminal.process.pid) == "T", "stop")
    while terminal.feed(0):
        pass
    terminal.screen.reset()
    terminal.process.send_signal(signal.SIGCONT)
    terminal.wait_for(lambda: terminal.lines[5].endswith("TOTAL"))
    terminal.press(b"q")
    ends(terminal)


def test_a_daemon_that_goes_is_waited_for(top, desk):
    """What it said last stays; when it is back, all goes on."""
    terminal = top()
    terminal.wait_for("TOTAL")
    desk.stop()
    terminal.wait_for("no tcpmuxd is at the control socket")
    assert "ssh" in terminal.text
    desk.asked = 0
    desk.start()
    terminal.wait_for("q ends")
    terminal.wait_for(lambda: "  50 " in terminal.text, "a rate")
    terminal.press(b"q")
    ends(terminal)


def test_a_daemon_that_does_not_answer_is_said_and_q_still_ends(top, desk):
    terminal = top("-w", "0.1")
    terminal.wait_for("TOTAL")
    del desk.answers["snapshot"]
    terminal.wait_for("does not answer in time")
    terminal.press(b"q")
    ends(terminal)


def test_a_refusal_meanwhile_is_said(top, desk):
    terminal = top()
    terminal.wait_for("TOTAL")
    desk.answers["snapshot"] = (b"-busy Too much \x1b[2Jis asked.\r\n", None)
    terminal.wait_for(r"refused: Too much \x1b[2Jis asked.")
    terminal.press(b"q")
    ends(terminal)


def test_keys_sort_and_scroll(top, desk):
    desk.names = [f"s{n:02}" for n in range(40)]
    terminal = top()
    terminal.wait_for("services 1 to 17 of 40")
    terminal.press(b"\x1b[6~")
    terminal.wait_for("services 18 to 34 of 40")
    terminal.press(b"\x1b[B")
    terminal.wait_for("services 19 to 35 of 40")
    terminal.press(b"\x1b[6~\x1b[6~")
    terminal.wait_for("services 24 to 40 of 40")
    terminal.press(b"\x1b[A")
    terminal.wait_for("services 23 to 39 of 40")
    terminal.press(b"\x1b[1~")
    terminal.wait_for("services 1 to 17 of 40")
    for title in ("*REF/S", "*NOW", "*IN/S", "*OUT/S", "*TOTAL", "*SERVICE",
                  "*REQ/S"):
        terminal.press(b"s")
        terminal.wait_for(title)
    terminal.press(b"h")
    terminal.wait_for("sort by the next column")
    terminal.press(b"h")
    terminal.wait_for("*REQ/S")
    terminal.press(b"q")
    ends(terminal)


def test_names_cannot_command_the_terminal(top, desk):
    desk.names = [r"a\x1b]0;x\x07", r"b\xff"]
    terminal = top(columns=100)
    terminal.wait_for(r"a\x1b]0;x\x07")
    assert r"b\xff" in terminal.text
    assert b"\x1b]0" not in terminal.raw
    terminal.press(b"q")
    ends(terminal)


def test_random_keys_do_no_harm(top):
    """All bytes but those that end or suspend it."""
    terminal = top()
    terminal.wait_for("TOTAL")
    stop = b"qQ\x03\x1a\x1c\x11\x13\x04\x16"
    terminal.press(bytes(c for c in range(256) if c not in stop) * 2)
    terminal.press(b"\x1b[99~\x1b[1;9Z\x1bOz\x1b")
    terminal.press(b"\x0c")
    terminal.resize(24, 90)
    terminal.wait_for("q ends")
    terminal.press(b"q")
    ends(terminal)


def test_a_terminal_that_is_too_simple_is_said(top):
    for term in ("dumb", "no-such-terminal"):
        terminal = top(term=term, columns=200)
        ends(terminal, 71)
        assert f"the terminal {term} is not known" in terminal.text


def test_no_daemon_at_first_is_an_error_as_of_all_commands(top, desk):
    desk.stop()
    terminal = top(columns=200)
    ends(terminal, 2)
    assert "no tcpmuxd is at the control socket" in terminal.text


def test_an_ignored_hangup_stays_ignored(top, desk):
    """As under nohup(1)."""
    terminal = top(command=["sh", "-c", 'trap "" HUP; exec "$@"', "sh", CTL,
                            "--control", desk.path, "top"])
    terminal.wait_for("TOTAL")
    os.kill(terminal.process.pid, signal.SIGHUP)
    terminal.press(b"h")
    terminal.wait_for("sort by the next column")
    terminal.press(b"q")
    ends(terminal)
