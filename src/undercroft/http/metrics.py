"""What the requests of all processes add up to, for Prometheus.

A request only adds to numbers in memory. Once a second they go to prometheus_client's shared files (its multiprocess mode:
a file a process, in a directory that is emptied at start), from which the console process answers `/metrics` with the sum.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import secrets
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from undercroft import limits
from undercroft.http.origin import client_of, is_forwarded
from undercroft.http.request import Request
from undercroft.http.response import Response

if TYPE_CHECKING:
    from undercroft.settings import Settings

SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
_DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_FILES = {  # The beginnings of the names that prometheus_client gives its files, and their sizes.
    "counter": limits.METRICS_COUNTERS_BYTES,
    "histogram": limits.METRICS_HISTOGRAMS_BYTES,
    "gauge_livesum": limits.METRICS_GAUGES_BYTES,
}


@dataclass(slots=True)
class _Cell:
    """What gathered since the last flush, for one face, operation and class of status."""

    requests: int = 0
    seconds: float = 0.0
    received: int = 0
    sent: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(SECONDS_BUCKETS) + 1))


class RequestMeter:
    """One process's counts. `in_flight` is the number of requests being answered."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._cells: dict[tuple[str, str, int], _Cell] = {}
        self._exported: _Exported | None = None

    def record(self, face: str, operation: str, status: int, seconds: float, *, received: int, sent: int) -> None:
        """Count one request; sizes are bytes of bodies."""
        key = (face, operation, status // 100)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell()
        cell.requests += 1
        cell.seconds += seconds
        cell.received += received
        cell.sent += sent
        cell.buckets[bisect_left(SECONDS_BUCKETS, seconds)] += 1

    def flush(self) -> None:
        """Write what has gathered to the shared files. `prepare_directory` must have been called by the supervisor.

        On a full disk, where there can be no files, it goes on gathering.
        """
        if self._exported is None:
            if not _reserve_files():
                return
            self._exported = _Exported()
        exported = self._exported
        exported.in_flight.set(self.in_flight)
        cells, self._cells = self._cells, {}
        for (face, operation, status_class), cell in cells.items():
            exported.add(face, operation, f"{status_class}xx", cell)

    async def keep_flushing(self) -> None:
        """Flush every `METRICS_FLUSH_S` until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(limits.METRICS_FLUSH_S)
                self.flush()
        finally:
            self.flush()


class _Exported:
    """The metrics as prometheus_client keeps them."""

    def __init__(self) -> None:
        # Imported here: the library decides at its import whether it is in multiprocess mode.
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        registry = CollectorRegistry()
        labels = ("face", "operation", "status")
        self.requests = Counter("undercroft_requests", "Requests answered.", labels, registry=registry)
        self.seconds = Histogram(
            "undercroft_request_seconds",
            "Seconds from a request's headers to the end of its answer.",
            labels[:2],
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self.received = Counter("undercroft_received_bytes", "Bytes of request bodies.", labels[:2], registry=registry)
        self.sent = Counter("undercroft_sent_bytes", "Bytes of response bodies.", labels[:2], registry=registry)
        self.in_flight = Gauge(
            "undercroft_requests_in_flight",
            "Requests being answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )

    def add(self, face: str, operation: str, status: str, cell: _Cell) -> None:
        self.requests.labels(face, operation, status).inc(cell.requests)
        self.received.labels(face, operation).inc(cell.received)
        self.sent.labels(face, operation).inc(cell.sent)
        # The library observes one value at a time; many at once are the sums of its parts, each kept as its own value.
        histogram = self.seconds.labels(face, operation)
        histogram._sum.inc(cell.seconds)
        for bucket, count in zip(histogram._buckets, cell.buckets, strict=True):
            if count:
                bucket.inc(count)


def prepare_directory(directory: Path) -> None:
    """Empty the directory of the shared files and name it to prometheus_client: once, before anything imports that."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left_over in directory.iterdir():
        left_over.unlink()
    os.environ[_DIRECTORY_VARIABLE] = str(directory)


def _reserve_files() -> bool:
    """Give this process's shared files their room on the disk. False where the disk is full.

    They are memory-mapped: touching a page for which the disk then has no room would kill the process (SIGBUS). They get
    their names last, since whoever sums them up cannot read an empty one.
    """
    directory = Path(os.environ[_DIRECTORY_VARIABLE])
    made = {kind: directory / f"{kind}_{os.getpid()}.new" for kind in _FILES}
    try:
        for kind, path in made.items():
            with path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, _FILES[kind])
    except OSError as error:
        for path in made.values():
            path.unlink(missing_ok=True)
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        return False
    for path in made.values():
        path.rename(path.with_suffix(".db"))
    return True


def forget_process(pid: int) -> None:
    """Take a process that ended out of the sums that only count living ones."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)  # type: ignore[no-untyped-call]


class MetricsPage:
    """`GET /metrics`: the sums of all processes, for clients on this machine or with the bearer token of the settings."""

    def __init__(self, settings: Settings, meter: RequestMeter) -> None:
        self._settings = settings
        self._meter = meter

    def __call__(self, request: Request) -> Response:
        """The page, or 403."""
        request.operation = "metrics"
        if not self._may_read(request):
            message = b"Metrics are for clients on this machine, or with the metrics token as bearer.\n"
            return Response(403, [(b"content-type", b"text/plain; charset=utf-8")], message)
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
        from prometheus_client.multiprocess import MultiProcessCollector

        self._meter.flush()
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        content_type = CONTENT_TYPE_PLAIN_0_0_4.encode()
        return Response(
            200, [(b"content-type", content_type), (b"cache-control", b"no-store")], generate_latest(registry)
        )

    def _may_read(self, request: Request) -> bool:
        token = self._settings.metrics_token
        given = request.header("authorization") or ""
        if token is not None and secrets.compare_digest(given.encode(), b"Bearer " + token.encode()):
            return True
        if is_forwarded(request) and not self._settings.trusts(request.client):
            return False  # A proxy on this machine that nobody told us of: its clients are not on this machine.
        try:
            return ipaddress.ip_address(client_of(request, self._settings)).is_loopback
        except ValueError:
            return False
