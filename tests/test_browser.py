"""A page in a real browser, by every program of ours at once."""

import pathlib
import subprocess
import sys

import doors
import offers
import proc
from client import Forwarder
from services import need

PAGE = """\
<!doctype html>
<title>before</title>
<p id="p">before</p>
<script>
fetch("text").then(reply => reply.text()).then(text => {
  document.getElementById("p").textContent = text;
});
</script>
"""


def test_a_browser_loads_a_page_by_name(host, mux):
    """A wrapped server, tcpmux -L, and a page that fetches another."""
    for name, text in (("index.html", PAGE), ("text", "by name")):
        pathlib.Path(host.path(name)).write_text(text, "ascii")
    mux.offered("--wrap", "web", "--", sys.executable, "-m", "http.server",
                str(doors.free_port()), "--directory", host.folder)
    with Forwarder(mux.address, "web") as forwarder:
        shown = subprocess.run(
            [need("chromium"), "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking",
             "--virtual-time-budget=10000",
             "--user-data-dir=" + host.path("profile"), "--dump-dom",
             f"http://127.0.0.1:{forwarder.port}/"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, check=True,
            timeout=6 * proc.PATIENCE).stdout
    assert b'<p id="p">by name</p>' in shown
