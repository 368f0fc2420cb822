"""`make bench`: Undercroft beside other servers on this machine, the same signed work against each, one table.

Every row is run forwards and back over the servers (A B C C B A), so that what else the machine does meets all of them. See
docs/benchmarks.md for the method and for how to read the table.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import machine
import output
import peers
import plan
import report
from botocore.exceptions import BotoCoreError, ClientError
from fill import BYTES_A_NAME
from ours import Undercroft
from rich.console import Console
from summary import OURS, missed, summarize
from targets import BUCKET, Invalid, StartFailed, Target
from work import FULL, QUICK, Sample, Sizes, Work

from harness.certificates import Certificates, make_certificates
from harness.clients import ClientFailed
from harness.server import ServerFailed

ROOT = Path(__file__).resolve().parent.parent
WATCH_S = 0.5
SPARE_BYTES = 2 << 30
# What a server, a client or the connection between them may raise when the server does not do what it is asked.
FAILURES = (
    Invalid, StartFailed, ServerFailed, ClientFailed, BotoCoreError, ClientError, OSError, http.client.HTTPException,
    subprocess.TimeoutExpired,
)  # fmt: skip


def main() -> None:
    """Measures, prints, writes. Exit code 1 where Undercroft did not do some of the work; missed floors are only shown."""
    options = _options()
    console, progress = Console(width=report.WIDTH), Console(stderr=True)
    sizes = _sizes(options)
    rows = _chosen(plan.rows(sizes), options.only)
    needs_wrk = {"get", "put", "head", "delete", "list"}
    if any(row.key.split("-")[0] in needs_wrk for row in rows) and not shutil.which("wrk"):
        _refuse("wrk is not installed, which small requests and lists need. Debian: apt-get install wrk")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    began, date = time.monotonic(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    options.folder.mkdir(parents=True, exist_ok=True)
    if machine.file_system(options.folder) == "tmpfs":
        progress.print(f"{options.folder} is in memory: syncing costs nothing there. --folder chooses another place.")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as name, contextlib.ExitStack() as running:
        folder = Path(name)
        work = Work(sizes, folder)
        certificates = make_certificates(folder / "certificates")
        targets, left_out = _start_all(folder, certificates, options.peers, running, progress)
        _check_space(folder, sizes, rows, len(targets))
        before = machine.ceilings(work)
        runs = _measure(work, targets, rows, options.runs, progress)
        after = machine.ceilings(work)
        result: dict[str, Any] = {
            "date": date,
            "seconds_taken": round(time.monotonic() - began),
            "runs": options.runs,
            "quick": options.quick,
            "machine": machine.facts(folder),
            "ceilings": {key: [before[key], after[key]] for key in before},
            "servers": [
                {"name": one.name, "title": one.title, "version": one.version, "durability": one.durability}
                for one in targets
            ],
            "left_out": left_out,
            "rows": summarize(runs, rows, {key: (before[key] + after[key]) / 2 for key in before}),
        }
    report.show(result, console)
    for path in output.write(result, options.out, latest=options.latest):
        progress.print(f"written: {path}", highlight=False)
    broken = [row["key"] for row in result["rows"] if "invalid" in row["servers"].get(OURS, {})]
    if broken:
        _refuse(f"Undercroft did not do this work: {', '.join(broken)}")
    if floors := missed(result["rows"]):
        progress.print(f"floors missed: {', '.join(floors)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="ROW,…", help="rows to measure; a word ending in * takes all that begin so")
    parser.add_argument("--peers", metavar="NAME,…", help="peers to measure, or none (default: all that are there)")
    parser.add_argument("--seconds", type=int, help="how long each load of small requests runs (default: 4)")
    parser.add_argument("--runs", type=int, help="runs a server and row, forwards and back in turn (default: 2)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it works, measures nothing")
    parser.add_argument("--ten-million", action="store_true", help="also lists of a bucket with 10 million names")
    parser.add_argument("--latest", action="store_true", help="keep the result as results/latest.*, to be committed")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results", help="where results go")
    parser.add_argument("--folder", type=Path, default=ROOT / "build", help="whose disk to measure on")
    options = parser.parse_args()
    options.runs = options.runs or (1 if options.quick else 2)
    options.folder = options.folder.resolve()
    return options


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = QUICK if options.quick else FULL
    changes: dict[str, Any] = {}
    if options.seconds:
        changes["seconds"] = options.seconds
    if options.ten_million:
        changes["lists"] = (*sizes.lists, 10_000_000)
    return replace(sizes, **changes)


def _chosen(rows: list[plan.Row], only: str | None) -> list[plan.Row]:
    if only is None:
        return rows
    chosen = []
    for word in only.split(","):
        found = [row for row in rows if row.key == word or (word.endswith("*") and row.key.startswith(word[:-1]))]
        if not found:
            _refuse(f"--only: there is no row {word}; there are {', '.join(row.key for row in rows)}")
        chosen += found
    return [row for row in rows if row in chosen]


def _refuse(message: str) -> NoReturn:
    sys.stderr.write(f"bench: {message}\n")
    sys.exit(1)


def _start_all(
    folder: Path, certificates: Certificates, asked: str | None, running: contextlib.ExitStack, progress: Console
) -> tuple[list[Target], dict[str, str]]:
    """Starts every server and makes its bucket. Returns those that serve, ours first, and why the others are left out."""
    names = None if asked is None else [] if asked == "none" else asked.split(",")
    known = [kind.name for kind in peers.ALL]
    if unknown := set(names or ()) - set(known):
        _refuse(f"--peers: {', '.join(sorted(unknown))}: known are {', '.join(known)}")
    targets: list[Target] = [Undercroft(folder / OURS, certificates)]
    left_out = {}
    for kind in peers.ALL:
        if names is not None and kind.name not in names:
            left_out[kind.name] = "not asked for"
        elif (program := peers.find(kind)) is None:
            left_out[kind.name] = f"{kind.program} is not installed"
        else:
            targets.append(kind(folder / kind.name, certificates, program))
    for target in targets[:]:
        running.callback(target.stop)
        progress.print(f"starting {target.title} …", highlight=False)
        try:
            target.start()
            with target.client() as client:
                client.create_bucket(Bucket=BUCKET)
        except FAILURES as failure:
            if target.name == OURS:
                raise
            target.stop()
            targets.remove(target)
            left_out[target.name] = str(failure)
    return targets, left_out


def _check_space(folder: Path, sizes: Sizes, rows: list[plan.Row], servers: int) -> None:
    """Refuses to begin what would fill the disk. What Undercroft is given it keeps, as versions; the peers overwrite."""
    keys = " ".join(row.key for row in rows)
    large = (3 * servers + 2 * len(re.findall("1g|aws", keys))) * sizes.large_bytes if re.search("1g|aws", keys) else 0
    copied = (servers + 2) * sizes.copy_bytes if "copy" in keys else 0
    needed = large + copied + max(sizes.lists) * BYTES_A_NAME * servers + SPARE_BYTES
    if (free := shutil.disk_usage(folder).free) < needed:
        _refuse(
            f"{needed / 1e9:.0f} GB of disk are needed and {free / 1e9:.0f} GB are free: --folder, --peers or --only"
        )


def _measure(
    work: Work, targets: list[Target], rows: list[plan.Row], runs: int, progress: Console
) -> dict[str, dict[str, list[Sample] | str]]:
    """Every row in order, and in each row every server, forwards and back."""
    found: dict[str, dict[str, list[Sample] | str]] = {}
    for row in rows:
        cells: dict[str, list[Sample] | str] = {}
        asked = [one for one in targets if (one.name == OURS or not row.ours_alone) and (one.speaks_tls or not row.tls)]
        _switch(asked, tls=row.tls)
        for turn in range(runs):
            for target in asked if turn % 2 == 0 else asked[::-1]:
                earlier = cells.setdefault(target.name, [])
                if isinstance(earlier, str):
                    continue
                try:
                    work.settle()
                    with _watched(target):
                        sample = row.load(work, target)
                except FAILURES as failure:
                    cells[target.name] = " ".join(str(failure).split())[-400:] or type(failure).__name__
                    progress.print(f"{row.key:18} {target.name:12} invalid: {cells[target.name]}", markup=False)
                    continue
                earlier.append(sample)
                used = "" if sample.cpu_us is None else f"{sample.cpu_us:12,.0f} µs/{row.per}"
                progress.print(f"{row.key:18} {target.name:12} {sample.value:12,.2f} {row.unit:5}{used}", markup=False)
        for target in asked:
            _remove(target, row.leaves)
        found[row.key] = cells
    return found


def _remove(target: Target, keys: tuple[str, ...]) -> None:
    """Removes files that no later row needs; where a server refuses, its whole folder goes at the end."""
    with contextlib.suppress(*FAILURES):
        for path in target.sign("DELETE", [f"/{BUCKET}/{key}" for key in keys]):
            target.ask("DELETE", path)


def _switch(targets: list[Target], *, tls: bool) -> None:
    """Starts again those that do not speak as the row needs it; all at once, since some take long."""
    other = [target for target in targets if target.tls != tls]
    threads = [threading.Thread(target=_restart, args=(target, tls)) for target in other]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _restart(target: Target, tls: bool) -> None:
    target.stop()
    # A server that does not come back shows in every row that follows: it refuses connections.
    with contextlib.suppress(*FAILURES):
        target.start(tls=tls)


@contextlib.contextmanager
def _watched(target: Target) -> Iterator[None]:
    """Looks at the server's memory meanwhile, so that its peak is known."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_S):
            with contextlib.suppress(Invalid, AssertionError):  # It may be between a stop and a start.
                target.pss_bytes()

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


if __name__ == "__main__":
    main()
