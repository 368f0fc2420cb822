"""`make bench`: Undercroft beside `rclone serve s3` on this machine, each load in the order A B B A, one table.

The machine may be shared, so rates move from minute to minute. The column to watch is the server's CPU a request: user
and system time of all its processes, divided by the requests.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from loads import Result, large, prepare, small
from rich.console import Console
from rich.table import Table
from servers import Rclone, Undercroft


def main() -> None:
    """Runs every load and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="how long each small load runs (default: 5)")
    seconds = parser.parse_args().seconds
    loads = {"PUT 1 GiB (MB/s)": large("PUT"), "GET 1 GiB (MB/s)": large("GET")}
    if shutil.which("wrk"):
        loads = {
            f"{method} 4 KiB, {clients} client{'s' * (clients > 1)} (/s)": small(method, clients, seconds)
            for method in ("GET", "PUT")
            for clients in (1, 16)
        } | loads
    else:
        print("wrk is not installed (Debian: apt-get install wrk): small requests are left out.", file=sys.stderr)
    table = Table(title="Undercroft beside rclone serve s3, medians of two runs each")
    for heading in ("load", "undercroft", "rclone", "ratio", "CPU µs", "rclone CPU µs", "p50 µs", "rclone p50 µs"):
        table.add_column(heading, justify="left" if heading == "load" else "right")
    with tempfile.TemporaryDirectory(prefix="undercroft-bench-") as name:
        folder = Path(name)
        ours = Undercroft(folder / "undercroft")
        peer = Rclone(folder / "rclone")
        try:
            for target in (ours, peer):
                prepare(target, folder)
            for label, load in loads.items():
                runs: dict[str, list[Result]] = {ours.name: [], peer.name: []}
                for target in (ours, peer, peer, ours):
                    runs[target.name].append(load(target, folder))
                table.add_row(label, *_cells(runs[ours.name], runs[peer.name]))
        finally:
            ours.stop()
            peer.stop()
    Console(width=140).print(table)


def _cells(ours: list[Result], peer: list[Result]) -> list[str]:
    def median(runs: list[Result], what: str) -> float:
        return statistics.median(getattr(run, what) for run in runs)

    rate, other = median(ours, "rate"), median(peer, "rate")
    cells = [f"{rate:,.0f}", f"{other:,.0f}", f"{rate / other:.2f}"]
    return cells + [f"{median(runs, what):,.0f}" for what in ("cpu_us", "p50_us") for runs in (ours, peer)]


if __name__ == "__main__":
    main()
