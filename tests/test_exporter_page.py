"""The status page of tcpmux-exporter, in a real browser."""

import pytest

import proc
from browser import Browser
from exporters import (HOSTILE, daemon, exporter, hostile,  # noqa: F401
                       sample, start)

CELL = "document.querySelector('[data-key=\"{}\"] [data-label=\"{}\"]')"
ROWS = "[...document.querySelectorAll('#{}')].map(h => [...h.parentNode" \
    ".querySelectorAll('tbody th b')].map(b => b.textContent))[0]"


@pytest.fixture
def browser(folder):
    new = Browser(folder)
    yield new
    assert new.complaints() == []
    new.close()


def cell(browser, row, label):
    """The text of a cell, as a person sees it."""
    return browser.run(CELL.format(row, label) + ".innerText").replace(
        "\u00a0", " ")


def advance(daemon, seconds, requests):
    """Let time go by for the daemon, and ssh be asked for."""
    daemon.text = daemon.text.replace(
        b"now=1795281234.500", b"now=%.3f" % (1795281234.5 + seconds)).replace(
        b"requests=812455", b"requests=%d" % (812455 + requests))


def test_without_javascript_everything_is_there(exporter, browser):
    browser.screen(1280, 800)
    browser.do("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(exporter.url)
    browser.do("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run(ROWS.format("services")) == [
        "ssh", "db", "date", "web", "metrics", "backup", "alice/notes",
        "echo", "tcpmux"]
    for row, label, text in (
            ("ssh", "Requests", "812,455"), ("ssh", "Now", "41"),
            ("ssh", "State", "up"), ("backup", "State", "down"),
            ("metrics", "State", "drained"), ("db", "Queue", "3 / 550"),
            ("ssh", "Bytes", "423 GB"),
            ("ssh", "Hand-over", "\u2264 100 \u00b5s\n99 % \u2264 1 ms"),
            ("full", "Where", "ssh 834, db 60"), ("unknown", "Count",
                                                  "17,320")):
        assert cell(browser, row, label) == text, (row, label)
    assert browser.run(ROWS.format("refusals"))[:2] == ["unknown", "late"]
    assert len(browser.run(ROWS.format("processes"))) == 9
    # What only the script can know is not shown; the page comes again itself.
    assert browser.run(CELL.format("ssh", "Rate") + ".offsetWidth") == 0
    assert browser.run("document.querySelector('noscript meta').content") == \
        "10"
    assert set(browser.asked_for()) == {exporter.url + "/"}


def test_with_javascript_it_follows_the_daemon(daemon, exporter, browser):
    browser.open(exporter.url)
    browser.run("window.kept = " + CELL.format("ssh", "Requests"))
    advance(daemon, 2, 84)
    browser.wait(CELL.format("ssh", "Rate") + ".innerText.includes('/s')",
                 "a rate")
    assert cell(browser, "ssh", "Rate").strip() == "42 /s"
    assert cell(browser, "db", "Rate").strip() == "0 /s"
    assert cell(browser, "ssh", "Requests") == "812,539"
    plot = CELL.format("ssh", "Rate") + ".querySelector('svg')"
    assert browser.run(plot + ".getAttribute('aria-label')") == \
        "at most 42\u00a0/s in two minutes"
    # What has not changed is the same element still: a selection stays.
    assert browser.run("window.kept.isConnected") is True
    assert set(browser.asked_for()) == {exporter.url + "/"}


def test_services_come_and_go(daemon, exporter, browser):
    browser.open(exporter.url)
    lines = [line for line in daemon.text.split(b"\n")
             if b" name=db " not in line]
    lines.insert(20, b"service name=new kind=exec state=up requests=5")
    daemon.text = b"\n".join(lines)
    browser.wait(ROWS.format("services") + ".includes('new')", "the service")
    names = browser.run(ROWS.format("services"))
    assert "db" not in names and len(names) == 9
    assert cell(browser, "new", "Requests") == "5"


def test_it_says_that_the_daemon_has_gone_and_that_it_is_back(
        daemon, exporter, browser):
    shown = "document.getElementById('state').innerText"
    browser.open(exporter.url)
    assert browser.run(shown).startswith("serving")
    daemon.stop()
    browser.wait(shown + ".includes('no answer')", "the news")
    assert "No tcpmuxd is at the control socket" in browser.run(shown)
    assert browser.run("document.querySelector('table').offsetHeight") == 0
    daemon.start()
    browser.wait(shown + ".startsWith('serving')", "it to be back")
    assert browser.run("document.querySelector('table').offsetHeight") > 0


def test_it_says_that_the_exporter_has_gone(exporter, browser):
    browser.open(exporter.url)
    exporter.listener.close()
    exporter.process.terminate()
    exporter.process.wait(proc.PATIENCE)
    browser.wait("!document.getElementById('stale').hidden", "the news")
    assert cell(browser, "ssh", "Requests") == "812,455"
    # The browser says in its own words that nobody is there.
    browser.events = [event for event in browser.events
                      if event.get("method") != "Log.entryAdded"]


def test_hostile_names_are_shown_and_do_nothing(daemon, exporter, browser):
    daemon.text = hostile()
    browser.open(exporter.url)
    assert browser.run(ROWS.format("services")) == HOSTILE
    daemon.text = daemon.text.replace(b"now=1.0", b"now=3.0").replace(
        b"requests=1 ", b"requests=3 ")
    browser.wait("document.body.innerText.includes('1\u00a0/s')", "a rate")
    assert browser.run(ROWS.format("services")) == HOSTILE
    assert browser.run(ROWS.format("offers")) == HOSTILE
    assert browser.run("document.scripts.length") == 1


def test_the_policy_forbids_what_is_not_the_page_s_own(exporter, browser):
    """Even if a name became markup, no script of it would run."""
    browser.open(exporter.url)
    browser.run("""{
      window.ran = false;
      window.forbidden = 0;
      document.addEventListener("securitypolicyviolation",
        () => { window.forbidden++; });
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      const image = document.createElement("img");
      image.setAttribute("onerror", "window.ran = true");
      image.src = "http://192.0.2.1/x.png";
      document.body.append(script, image);
    }""")
    browser.wait("window.forbidden >= 2", "both to be forbidden")
    assert browser.run("window.ran") is False
    assert set(browser.asked_for()) <= {exporter.url + "/",
                                        "http://192.0.2.1/x.png"}
    browser.events = []         # it has complained of this, as it should


@pytest.mark.parametrize("scheme, dark", [("light", False), ("dark", True)])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_it_fits_and_can_be_read(exporter, browser, width, scheme, dark):
    browser.screen(width, 800, width < 400, prefers_color_scheme=scheme)
    browser.open(exporter.url)
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run("""(() => {
      const light = c => c.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const paper = light(getComputedStyle(document.body).backgroundColor);
      return [paper < 0.5, [...document.querySelectorAll("body *")]
        .map(e => light(getComputedStyle(e).color))
        .every(ink => (Math.max(ink, paper) + 0.05) /
          (Math.min(ink, paper) + 0.05) >= 4.5)];
    })()""") == [dark, True]


def test_its_tables_are_tables_for_who_hears_them(exporter, browser):
    """Cells have headers, also where a row is shown as a card."""
    browser.screen(320, 800, True)
    browser.open(exporter.url)
    nodes = browser.do("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert roles.count("table") == 5
    assert roles.count("rowheader") == 9 + 8 + 3 + 9 + 6
    assert roles.count("columnheader") == 9 + 5 + 4 + 6 + 9
    assert "yes" in browser.run(
        "document.querySelector('.layers tbody').textContent")
