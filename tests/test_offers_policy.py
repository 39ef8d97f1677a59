"""Who may offer what, and how much of it (T7)."""

import contextlib
import os

import callers
import proc
import server
from offerers import (ALICE, BOB, STRANGER, Offers, Program, as_user, listed,
                      needs_root, refused, words)
from test_kill import kill_one

CONF = "fronts = 1\nlog { level = refusals }\n"
PER_USER = 64


def test_t7_nobody_may_offer_by_default(tcpmuxd, offer_as):
    """T7: root, and who the daemon itself is; no other user."""
    started = tcpmuxd(conf=CONF)
    assert refused(started, "root-s") is None
    assert words(offer_as(started, STRANGER, "x")) == ["denied"]
    assert words(offer_as(started, ALICE, "x", f"{ALICE}.x")) == \
        ["denied"] * 2
    assert words(offer_as(started, 65534, "x")) == ["denied"]
    assert callers.reply(started.addresses[0], "x").startswith(b"-No such")


def test_t7_uid_65534_is_nobody_s(folder, tcpmuxd):
    """T7: not even with a group that may offer."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"%{BOB}"}}\n')
    for uid, word in ((STRANGER, "+"), (65534, "denied")):
        prefix = as_user(uid, uid, (60,))
        with Program(folder, started, [f"x{uid}"],
                     prefix=prefix) as program:
            assert words(program) == [word]


def test_t7_a_plain_user_s_daemon_takes_his_offers(folder, tcpmuxd):
    """T7: who has started it may offer; others may not, but for root."""
    needs_root()
    os.makedirs(f"{folder}/run", 0o755)
    os.chown(f"{folder}/run", STRANGER, STRANGER)
    control = f"{folder}/run/control"
    started = tcpmuxd(conf=CONF + f'control = "{control}"\n',
                      prefix=as_user(STRANGER))
    with Program(folder, started, ["his"], prefix=as_user(STRANGER)) as his:
        assert his.taken
        assert callers.is_served(started.addresses[0], "his")
        with Program(folder, started, ["x"], prefix=as_user(1)) as other:
            assert words(other) == ["denied"]


def test_t7_offered_by_names_users_groups_and_globs(tcpmuxd, offer_as):
    """offered-by: USER, %GROUP, USER:GLOB; names in any case."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"{ALICE}:web-*", '
                      f'"{ALICE}:DB", "%{BOB}:g?me"}}\n')
    assert words(offer_as(started, ALICE, "web-1", "WEB-2", "db", "web", "x",
                          "xweb-1", "game")) == \
        ["+", "+", "+", "denied", "denied", "denied", "denied"]
    assert words(offer_as(started, BOB, "game", "gme", "web-3")) == \
        ["+", "denied", "denied"]
    assert words(offer_as(started, STRANGER, "web-4")) == ["denied"]


def test_t7_supplementary_groups_count(folder, tcpmuxd):
    """%group: whoever has it among his groups."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"%{BOB}"}}\n')
    for groups, word in (((60,), "+"), ((1, 60, 7), "+"), ((1, 7), "denied")):
        prefix = as_user(STRANGER, STRANGER, groups)
        with Program(folder, started, ["x"],
                     prefix=prefix) as program:
            assert words(program) == [word]


def test_t7_offers_prefix(tcpmuxd, offer_as):
    """offers = prefix: LOGIN.anything is LOGIN's."""
    needs_root()
    started = tcpmuxd(conf=CONF + "offers = prefix\n")
    assert words(offer_as(
        started, ALICE, f"{ALICE}.x", f"{ALICE.upper()}.y", ALICE,
        f"{ALICE}x", f"{ALICE}x.y", f"{BOB}.x", f".{ALICE}.x")) == \
        ["+", "+", *["denied"] * 5]
    assert words(offer_as(started, BOB, f"{BOB}.x")) == ["+"]
    assert words(offer_as(started, STRANGER, ".x", "12345.x")) == \
        ["denied"] * 2


def test_t7_a_configured_name_for_certain_users(host, tcpmuxd, offer_as):
    """service { offered-by }: those, and nobody by the general rule."""
    needs_root()
    started = tcpmuxd(
        conf=CONF + f'offered-by = {{"{BOB}"}}\n' +
        host.service("db", f'offered-by = {{"{ALICE}"}} alias = "database"'))
    address = started.addresses[0]
    assert callers.reply(address, "db").startswith(b"-Service not running")
    assert words(offer_as(started, BOB, "db", "database", "other")) == \
        ["denied", "denied", "+"]
    program = offer_as(started, ALICE, "db", "other2")
    assert words(program) == ["+", "denied"]
    for name in ("db", "DB", "database"):
        assert callers.is_served(address, name)
    assert listed(address).count("db") == 1


def test_t7_a_second_user_cannot_take_a_name(tcpmuxd, offer_as):
    """T7: neither while it is offered, nor for 30 s behind it; nor by any
    option."""
    needs_root()
    started = tcpmuxd(conf=CONF +
                      f'offered-by = {{"{ALICE}", "{BOB}"}}\n')
    first = offer_as(started, ALICE, "name", options=["share"])
    assert first.taken
    for options in ((), ("share",), ("replace",), ("share", "replace")):
        assert words(offer_as(started, BOB, "NAME", options=options)) == \
            ["taken"]
    first.kill()
    for options in ((), ("share",), ("replace",)):
        assert words(offer_as(started, BOB, "Name", options=options)) == \
            ["taken"]
    again = offer_as(started, ALICE, "name")
    assert again.taken
    assert callers.is_served(started.addresses[0], "name")


def test_t7_a_name_is_kept_over_a_registrar_that_dies(tcpmuxd, offer_as):
    """T7 and T10: kill -9 of the registrar makes no name anybody's."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"{ALICE}", "{BOB}"}}\n')
    assert offer_as(started, ALICE, "name").taken
    registrar, = started.wait_named("regis")
    os.kill(registrar, 9)
    proc.wait_until(lambda: started.named("regis") not in
                    ([], [registrar]), "another registrar")
    assert words(offer_as(started, BOB, "name")) == ["taken"]
    assert words(offer_as(started, ALICE, "name")) == ["+"]


def test_t7_a_name_is_kept_over_registrars_that_die_at_once(tcpmuxd,
                                                            offer_as):
    """T7 and T10: the next one is killed before it has begun."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"{ALICE}", "{BOB}"}}\n')
    assert offer_as(started, ALICE, "name").taken
    for _ in range(10):
        kill_one(started, "regis")
    assert words(offer_as(started, BOB, "name")) == ["taken"]
    assert words(offer_as(started, ALICE, "name")) == ["+"]


def test_t7_a_name_is_kept_over_a_reload(tcpmuxd, offer_as):
    """T7: and so does a reload, and the offers stay."""
    needs_root()
    conf = CONF + f'listen "127.0.0.1" {{ port = 0 }}\n' \
        f'offered-by = {{"{ALICE}", "{BOB}"}}\n'
    started = tcpmuxd(conf=conf)
    gone = offer_as(started, ALICE, "gone")
    assert gone.taken and offer_as(started, ALICE, "here").taken
    gone.kill()
    started.reload(conf)
    assert callers.is_served(started.addresses[0], "here")
    assert words(offer_as(started, BOB, "here", "gone")) == ["taken"] * 2
    assert words(offer_as(started, ALICE, "gone")) == ["+"]


def test_t7_rules_of_a_reload_are_the_next_ones(tcpmuxd, offer_as):
    """Who may no longer offer: the reload ends his offers, or lets them be;
    but he offers nothing new."""
    needs_root()
    listen = 'listen "127.0.0.1" { port = 0 }\n'
    started = tcpmuxd(conf=CONF + listen + f'offered-by = {{"{ALICE}"}}\n')
    assert offer_as(started, ALICE, "old").taken
    started.reload(CONF + listen)
    assert words(offer_as(started, ALICE, "new")) == ["denied"]


# Limits.

def test_limit_of_each_user(tcpmuxd, offer_as):
    """64 offers of a user; the next is told so, and others do not notice."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"{ALICE}", "{BOB}"}}\n')
    many = offer_as(started, ALICE, *(f"a{i}" for i in range(PER_USER + 3)))
    assert words(many) == ["+"] * PER_USER + ["busy"] * 3
    assert words(offer_as(started, BOB, "b")) == ["+"]
    with Offers(started, [f"r{i}" for i in range(2 * PER_USER)]):
        assert callers.is_served(started.addresses[0], "r100")
    many.kill()
    proc.wait_until(lambda: words(offer_as(started, ALICE, "a70")) == ["+"],
                    "room for another")


def test_limit_of_all(tcpmuxd):
    """max-offers: the next hears -busy, until one goes."""
    started = tcpmuxd(conf=CONF + "max-offers = 10\n")
    names = [f"n{i}" for i in range(10)]
    with Offers(started, names):
        assert refused(started, "another") == "busy"
        for name in names:
            assert callers.is_served(started.addresses[0], name)
    proc.wait_until(lambda: refused(started, "another") is None,
                    "room for another")


def test_limit_of_files(tcpmuxd):
    """Clients take all descriptors; still an offer that is taken is served."""
    started = tcpmuxd(conf=CONF, prefix=("prlimit", "--nofile=256:256"))
    address = started.addresses[0]
    with Offers(started, [f"n{i}" for i in range(15)]), \
            contextlib.ExitStack() as stack:
        for _ in range(300):
            sock = stack.enter_context(server.connect(address))
            sock.sendall(b"half")
        started.settle()
        with Offers(started, ["late"]):
            assert refused(started, "another") == "busy"
            stack.close()
            assert callers.is_served(address, "late")


def test_limit_of_all_is_what_a_front_can_hold(tcpmuxd):
    """max-offers: a sixteenth of the descriptors that there may be."""
    started = tcpmuxd(conf=CONF + "max-offers = 1000\n",
                      prefix=("prlimit", "--nofile=512:512"))
    started.wait_for("max-offers = 1000: there is room for 32: ")
    names = [f"n{i}" for i in range(32)]
    with Offers(started, names):
        assert refused(started, "another") == "busy"
        for name in names:
            assert callers.is_served(started.addresses[0], name)


def test_limit_per_user_is_configured(tcpmuxd, offer_as):
    """max-offers-per-user."""
    needs_root()
    started = tcpmuxd(conf=CONF + f'offered-by = {{"{ALICE}"}}\n'
                      "max-offers-per-user = 2\n")
    assert words(offer_as(started, ALICE, "a", "b", "c")) == \
        ["+", "+", "busy"]
