#!/usr/bin/python3
"""What one connection costs each server, and how that compares.

Each figure is measured in one interleaved run: in each round every server has
its turn, so that whatever else the machine does falls on all alike.  What
counts is the time that the server and its children spend on the processor,
never connections a second, as the client would be the limit; except where the
figure is a rate.  A ratio is the median of the ratios of all rounds.

Client and servers have a core each; with --one-core they share one, where
each server finds its work in batches and the figures vary less.

With --against, another build of tcpmuxd is compared with this one, too.

usage: bench/run.py BUILD [--against BUILD] [--quick] [--rounds N] [--one-core]
                    [--only FIGURE]
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import figures
import place
import wrapped
from servers import Backends, user

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = {"accept_close": ("listen",), "client": ("dial", "number"),
            "echo": ("talk", "listen", "number"), "hold": ("dial", "number"),
            "nothing": (), "offered": ("talk",),
            "stream": ("dial", "number"),
            "taker": ("talk", "listen", "number"), "through": ()}
FIGURES = figures.FIGURES + wrapped.FIGURES
OPTIONS = {"nothing": ("-static",), "offered": ("lib/libtcpmux.a",),
           "through": ("-shared", "-fPIC")}


class Bench:
    """What all figures share."""

    def __init__(self, args, folder, stack):
        self.rounds = args.rounds
        self.share = 10 if args.quick else 1
        self.stream_bytes = 10**9 // self.share
        self.build, self.folder, self.stack = args.build, folder, stack
        self.against = args.against
        self.programs = compile_programs(args.build)
        self.client_core, self.server_core = place.cores()
        if args.one_core:
            self.client_core = self.server_core
        self.user = user()
        self.started = []
        shutil.copy(self.programs / "nothing", folder)
        folder.chmod(0o755)
        # Whoever writes a log here has given up his rights by then.
        (folder / "log").mkdir()
        (folder / "log").chmod(0o777)
        self.backends = Backends(self)

    @contextlib.contextmanager
    def servers(self):
        """What is started meanwhile is ended then."""
        try:
            yield
        finally:
            while self.started:
                self.started.pop().stop()

    @staticmethod
    def complain(why):
        """Something cannot be measured here."""
        print(f"NOT MEASURED: {why}", file=sys.stderr)


def compile_programs(build):
    """The programs beside this file, into BUILD/bench."""
    out = build / "bench"
    out.mkdir(exist_ok=True)
    for name, parts in PROGRAMS.items():
        subprocess.run(
            ["cc", "-std=c17", "-D_GNU_SOURCE", "-O2",
             f"-I{HERE.parent / 'include'}", "-o", out / name,
             *(HERE / f"{part}.c" for part in (name, *parts)),
             *OPTIONS.get(name, ())],
            check=True, cwd=build)
    return out


# The table.

def as_number(number):
    """Four digits, or all that stand before the point."""
    if number is None:
        return ""
    digits = 0 if abs(number) >= 1000 else 1 if abs(number) >= 10 else 2
    return f"{number:.{digits}f}"


def as_ratio(number):
    """1.23x, or 1/45 for what is that small."""
    return f"{number:.2f}x" if number > 0.1 else f"1/{1 / number:.1f}"


def verdict(row):
    """What is wanted, and whether it is so."""
    if row.target is None:
        return "", ""
    value = statistics.median(row.ratios) if row.ratios else row.ours
    is_met = value >= row.target if row.least else value <= row.target
    wanted = as_ratio(row.target) if row.ratios else as_number(row.target)
    return (f"{'>=' if row.least else '<='} {wanted}",
            "met" if is_met else "MISSED")


def line(row):
    """One row, as text."""
    ratio = spread = ""
    if row.ratios:
        ratio = as_ratio(statistics.median(row.ratios))
        spread = f"{as_ratio(min(row.ratios))}..{as_ratio(max(row.ratios))}"
    wanted, met = verdict(row)
    return (f"{row.figure:42} {as_number(row.ours):>8}  {row.peer:16}"
            f"{as_number(row.theirs):>8} {ratio:>7}  {spread:16}"
            f"{wanted:>10}  {met}").rstrip()


def print_head(args, bench):
    """What is found, and where."""
    print(f"Linux {os.uname().release}, {os.cpu_count()} cores, servers on "
          f"core {bench.server_core}, clients on core {bench.client_core}; "
          f"{args.rounds} interleaved rounds, medians\n")
    print(f"{'':42} {'tcpmuxd':>8}  {'against':16}{'theirs':>8} {'ratio':>7}"
          f"  {'min..max':16}{'target':>10}", flush=True)


def print_figure(figure):
    """Measure it, and print its rows; it may fail, and the next may not."""
    try:
        for row in figure.run():
            print(line(row), flush=True)
    except subprocess.SubprocessError as error:
        print(f"FAILED: {figure.title}: {error}", flush=True)


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--against", type=pathlib.Path, metavar="BUILD")
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of the work, 3 rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--one-core", action="store_true")
    parser.add_argument("--only", action="append", metavar="FIGURE",
                        choices=[kind.__name__ for kind in FIGURES])
    args = parser.parse_args()
    args.rounds = args.rounds or (3 if args.quick else 7)
    args.build = args.build.resolve()
    args.against = args.against and args.against.resolve()
    return args


def main():
    """Measure every figure, print the table."""
    args = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    place.enter_network()
    with tempfile.TemporaryDirectory() as name, \
            contextlib.ExitStack() as stack:
        bench = Bench(args, pathlib.Path(name), stack)
        print_head(args, bench)
        for kind in FIGURES:
            if args.only is None or kind.__name__ in args.only:
                print_figure(kind(bench))


if __name__ == "__main__":
    main()
