#!/usr/bin/python3
"""A daemon and a client of arm64 talk, under qemu; argument: build/arm64."""

import pathlib
import subprocess
import sys
import tempfile

ARM64 = pathlib.Path(sys.argv[1])
QEMU = ["qemu-aarch64", "-L", ARM64 / "debian/root"]
CONF = """
listen "127.0.0.1" {{ port = 0 }}
control = "{}/control"
service "echo" {{ builtin = echo }}
"""


def call(port, *words, said=b""):
    """What the client hears."""
    return subprocess.run(
        [*QEMU, ARM64 / "none/cmd/tcpmux", f"127.0.0.1:{port}", *words],
        input=said, stdout=subprocess.PIPE, timeout=60, check=True).stdout


def main():
    """Start it, list, talk, end it."""
    with tempfile.TemporaryDirectory() as folder:
        conf = pathlib.Path(folder, "conf")
        conf.write_text(CONF.format(folder), encoding="ascii")
        with subprocess.Popen(
                [*QEMU, ARM64 / "none/tcpmuxd", "-f", conf],
                stderr=subprocess.PIPE, text=True) as daemon:
            try:
                line = daemon.stderr.readline()
                port = line.rpartition(":")[2].strip()
                assert call(port) == b"echo\ntcpmux\n"
                assert call(port, "echo", said=b"hello") == b"hello"
            finally:
                daemon.terminate()
        print("arm64: a daemon and a client talk: passed")


main()
