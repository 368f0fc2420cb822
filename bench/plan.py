"""The rows of the table, in the order in which they are measured, with the floors and goals of the design.

A floor or goal is a function of what was measured: it gives the value that Undercroft's has to reach, in the row's own
unit, or None where that cannot be said, for instance because no peer was there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import large
import sync
from lists import listing
from small import small
from work import MIB, Load, Sample

if TYPE_CHECKING:
    from targets import Target
    from work import Sizes, Work


@dataclass(frozen=True)
class Seen:
    """What limits are made of: the best peer's median in this row, the machine's ceilings, and other rows' medians."""

    best_peer: float | None
    ceilings: dict[str, float]
    ours: dict[str, float]


Limit = Callable[[Seen], float | None]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    key: str
    label: str
    unit: str
    load: Load
    more_is_better: bool = True
    per: str = "request"  # What the processor time is divided by.
    tls: bool = False
    ours_alone: bool = False
    leaves: tuple[str, ...] = ()  # Large files that no later row needs.
    floor: Limit | None = None
    goal: Limit | None = None
    goal_cpu_us: float | None = None


def start(work: Work, target: Target) -> Sample:
    """From the command to the first signed request served, in seconds; the data is there already."""
    work.settle()
    target.stop()
    return Sample(target.start(tls=target.tls))


def idle(work: Work, target: Target) -> Sample:
    """The memory of all its processes after a start, one request and a rest, in MiB."""
    target.stop()
    target.start(tls=target.tls)
    time.sleep(work.sizes.idle_s)
    return Sample(target.pss_bytes() / MIB)


def peak(_work: Work, target: Target) -> Sample:
    """The most memory that all its processes together had in this measurement, looked at twice a second, in MiB."""
    return Sample(target.peak_pss_bytes / MIB)


def _peer(factor: float) -> Limit:
    return lambda seen: None if seen.best_peer is None else seen.best_peer * factor


def _md5(factor: float) -> Limit:
    return lambda seen: seen.ceilings["md5_mb_s"] * factor


def _at(value: float) -> Limit:
    return lambda _seen: value


def _list_goal(delimiter: bool) -> Limit:
    """5 ms, and with very many names the same as with 10 thousand, within 20 %."""

    def goal(seen: Seen) -> float:
        small_bucket = seen.ours.get(_list_key(10_000, delimiter))
        return 5.0 if small_bucket is None else min(5.0, small_bucket * 1.2)

    return goal


def _list_key(count: int, delimiter: bool) -> str:
    return f"list-{_short(count)}{'-folders' if delimiter else ''}"


def _short(count: int) -> str:
    return f"{count // 1_000_000}m" if count >= 1_000_000 else f"{count // 1000}k"


def rows(sizes: Sizes) -> list[Row]:
    """Every row."""
    return [*_small(), *_large(sizes, tls=False), *_clients(sizes), *_tls(sizes), *_own(), *_lists(sizes), *_last()]


def _small() -> list[Row]:
    one = {"GET": (0.4, 0.22)}  # p50 in ms; the design names GET alone.
    cpu = {"GET": 160.0, "HEAD": 160.0, "PUT": 300.0}
    found = []
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        floor, goal = one.get(method, (None, None))
        found.append(
            Row(
                f"{method.lower()}-1", f"{method} 4 KiB, 1 client, p50", "ms", small(method, 1), more_is_better=False,
                floor=None if floor is None else _at(floor), goal=None if goal is None else _at(goal),
            )
        )  # fmt: skip
        named = method in cpu
        found.append(
            Row(
                f"{method.lower()}-16", f"{method} 4 KiB, 16 clients", "/s", small(method, 16),
                floor=_peer(1.0) if named else None, goal=_peer(1.25) if named else None, goal_cpu_us=cpu.get(method),
            )
        )  # fmt: skip
    return found


def _large(sizes: Sizes, *, tls: bool) -> list[Row]:
    size, after, end = _bytes(sizes.large_bytes), ", TLS" * tls, "-tls" * tls
    return [
        Row(
            f"put-1g{end}", f"PUT {size}{after}", "MB/s", large.put, per="MB", tls=tls,
            floor=None if tls else _md5(0.6), goal=None if tls else _md5(0.9),
        ),
        Row(
            f"get-1g{end}", f"GET {size}{after}", "MB/s", large.get, per="MB", tls=tls,
            floor=None if tls else _at(800), goal=None if tls else _at(1500),
        ),
    ]  # fmt: skip


def _clients(sizes: Sizes) -> list[Row]:
    size, files = _bytes(sizes.large_bytes), f"{sizes.files:,} files of 4 KiB"
    return [
        Row("aws-up", f"aws s3 cp {size} up (multipart)", "MB/s", large.client_up, per="MB"),
        Row("aws-down", f"aws s3 cp {size} down", "MB/s", large.client_down, per="MB"),
        Row("s5cmd-up", f"s5cmd, {files} up", "/s", sync.s5cmd_up, per="file"),
        Row("s5cmd-down", f"s5cmd, {files} down", "/s", sync.s5cmd_down, per="file"),
        Row("b2-sync", f"b2 sync, {files} up", "/s", sync.b2_sync, per="file", ours_alone=True),
        Row(
            "copy-5g", f"copy {_bytes(sizes.copy_bytes)}", "ms", large.copy, more_is_better=False, leaves=("to-copy",),
            floor=_at(50), goal=_at(10),
        ),
    ]  # fmt: skip


def _tls(sizes: Sizes) -> list[Row]:
    found = []
    for method in ("GET", "PUT"):
        name = method.lower()
        found += [
            Row(
                f"{name}-1-tls", f"{method} 4 KiB, 1 client, TLS, p50", "ms", small(method, 1), more_is_better=False,
                tls=True,
            ),
            Row(f"{name}-16-tls", f"{method} 4 KiB, 16 clients, TLS", "/s", small(method, 16), tls=True),
        ]  # fmt: skip
    return found + _large(sizes, tls=True)


def _own() -> list[Row]:
    return [
        Row("start", "start to first request", "s", start, more_is_better=False, floor=_at(2), goal=_at(1)),
        Row("idle", "idle memory (PSS)", "MiB", idle, more_is_better=False, floor=_at(300), goal=_at(200)),
    ]


def _lists(sizes: Sizes) -> list[Row]:
    return [
        Row(
            _list_key(count, delimiter),
            f"list 1,000 of {count:,} {'folders' if delimiter else 'names'}, p50",
            "ms", listing(count, delimiter=delimiter), more_is_better=False,
            floor=_at(20), goal=_list_goal(delimiter),
        )
        for count in sizes.lists
        for delimiter in (False, True)
    ]  # fmt: skip


def _last() -> list[Row]:
    return [Row("peak", "peak memory (PSS)", "MiB", peak, more_is_better=False)]


def _bytes(count: int) -> str:
    if count % (1 << 30) == 0:
        return f"{count >> 30} GiB"
    return f"{count >> 20} MiB" if count % (1 << 20) == 0 else f"{count / 1e9:g} GB"
