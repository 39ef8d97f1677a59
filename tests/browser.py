"""A real browser, driven over a pair of pipes by its DevTools protocol."""

import base64
import contextlib
import fcntl
import json
import os
import select
import subprocess

import inherit
import proc
from services import need

PATIENCE = 6 * proc.PATIENCE        # it takes its time to start


class Browser:
    """A Chromium with one page, and all that it has asked the network for."""

    def __init__(self, folder):
        ours, its = os.pipe(), os.pipe()
        pipes = (ours[0], its[1])
        self.process = subprocess.Popen(
            inherit.command(
                pipes, need("chromium"), "--headless", "--no-sandbox",
                "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--hide-scrollbars", "--disable-background-networking",
                "--remote-debugging-pipe",
                f"--user-data-dir={folder}/profile", "about:blank"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, pass_fds=pipes)
        for fd in pipes:
            os.close(fd)
        self.to, self.fd = ours[1], its[0]
        # Room for a command, so that no write waits.
        fcntl.fcntl(self.to, fcntl.F_SETPIPE_SZ, 1 << 20)
        self.rest = b""
        self.number = 0
        self.events = []
        self.session = None
        target = next(each["targetId"] for each in
                      self.do("Target.getTargets")["targetInfos"]
                      if each["type"] == "page")
        self.session = self.do("Target.attachToTarget", targetId=target,
                               flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.do(f"{domain}.enable")

    def read(self):
        """The next message of the browser."""
        while b"\0" not in self.rest:
            assert select.select([self.fd], [], [], PATIENCE)[0], \
                "the browser says nothing"
            more = os.read(self.fd, 1 << 20)
            assert more, "the browser has ended"
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def do(self, method, **params):
        """One command, and its result; events are kept."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.to, json.dumps(command).encode() + b"\0")
        while True:
            message = self.read()
            if message.get("id") == self.number:
                assert "error" not in message, message["error"]
                return message["result"]
            self.events.append(message)

    def happened(self, method):
        """What has been told of that event so far."""
        return [event["params"] for event in self.events
                if event.get("method") == method]

    def wait_for(self, method):
        """Wait for one that comes."""
        while True:
            message = self.read()
            self.events.append(message)
            if message.get("method") == method:
                return message["params"]

    def open(self, url):
        """Go to a page, and wait until it is there."""
        self.do("Page.navigate", url=url)
        while not self.happened("Page.loadEventFired"):
            self.wait_for("Page.loadEventFired")
        self.events = [event for event in self.events
                       if event.get("method") != "Page.loadEventFired"]

    def run(self, script):
        """The value of an expression in the page."""
        result = self.do("Runtime.evaluate", expression=script,
                         returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, script, what):
        """Wait until an expression in the page is true."""
        return proc.wait_until(lambda: self.run(script), what)

    def screen(self, width, height, phone=False, **features):
        """Show it so wide, and with these preferences of the user's."""
        self.do("Emulation.setDeviceMetricsOverride", width=width,
                height=height, deviceScaleFactor=2 if phone else 1,
                mobile=phone)
        self.do("Emulation.setEmulatedMedia", features=[
            {"name": name.replace("_", "-"), "value": value}
            for name, value in features.items()])

    def picture(self, path):
        """A PNG of the whole page."""
        data = self.do("Page.captureScreenshot", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(data["data"]))

    def complaints(self):
        """What it has logged: errors of scripts, what the policy forbade."""
        return [entry["entry"]["text"] for entry in
                self.happened("Log.entryAdded")] + \
            [thrown["exceptionDetails"]["text"] for thrown in
             self.happened("Runtime.exceptionThrown")]

    def asked_for(self):
        """The addresses of all requests, but those within a page."""
        return [each["request"]["url"] for each in
                self.happened("Network.requestWillBeSent")
                if not each["request"]["url"].startswith("data:")]

    def close(self):
        """End it, and all its processes."""
        with contextlib.suppress(AssertionError, OSError):
            self.session = None
            self.do("Browser.close")
        os.close(self.to)
        os.close(self.fd)
        self.process.wait(PATIENCE)
