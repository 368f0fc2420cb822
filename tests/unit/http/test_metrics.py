"""What requests add up to over processes, and who may see it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap

import pytest

from undercroft import limits
from undercroft.http import metrics
from undercroft.http.metrics import MetricsPage, RequestMeter
from undercroft.http.request import Request
from undercroft.settings import load

TOKEN = "a-token-for-the-metrics"


def request_from(peer, **headers):
    async def receive():
        raise AssertionError("nobody asked for a body")

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request.of_scope(
        {
            "method": "GET",
            "raw_path": b"/metrics",
            "query_string": b"",
            "scheme": "http",
            "headers": named,
            "client": (peer, 1),
        },
        receive,
    )


@pytest.mark.parametrize(
    ("flags", "peer", "headers", "allowed"),
    [
        ({}, "127.0.0.1", {}, True),
        ({}, "::1", {}, True),
        ({}, "10.0.0.1", {}, False),
        ({}, "", {}, False),
        ({}, "127.0.0.1", {"x_forwarded_for": "127.0.0.1"}, False),
        ({}, "127.0.0.1", {"forwarded": "for=1.1.1.1"}, False),
        ({"trusted_proxy": ["127.0.0.1/32"]}, "127.0.0.1", {"x_forwarded_for": "9.9.9.9"}, False),
        ({"trusted_proxy": ["127.0.0.1/32"]}, "127.0.0.1", {"x_forwarded_for": "::1"}, True),
        ({}, "10.0.0.1", {"authorization": "Bearer None"}, False),
        ({"metrics_token": TOKEN}, "10.0.0.1", {"authorization": f"Bearer {TOKEN}"}, True),
        ({"metrics_token": TOKEN}, "10.0.0.1", {"authorization": f"Bearer {TOKEN}x"}, False),
        ({"metrics_token": TOKEN}, "10.0.0.1", {"authorization": TOKEN}, False),
        ({"metrics_token": TOKEN}, "10.0.0.1", {"authorization": "Bearer \u00e9"}, False),
    ],
)
def test_metrics_are_for_this_machine_or_for_the_token(flags, peer, headers, allowed):
    page = MetricsPage(load({"data": "/d", **flags}, {}), RequestMeter())
    assert page._may_read(request_from(peer, **headers)) is allowed


def test_counts_of_all_processes_are_summed_and_the_living_alone_are_in_flight(tmp_path):
    program = """
        import os, sys
        from pathlib import Path
        from undercroft.http import metrics

        metrics.prepare_directory(Path(sys.argv[1]))
        for _ in range(2):
            pid = os.fork()
            if pid == 0:
                meter = metrics.RequestMeter()
                meter.in_flight = 3
                for seconds in (0.0001, 0.003, 500.0):
                    meter.record("s3", "GetObject", 200, seconds, received=1, sent=10)
                meter.flush()
                meter.record("s3", "GetObject", 206, 0.003, received=0, sent=10)
                meter.flush()
                os._exit(0)
            os.waitpid(pid, 0)
        metrics.forget_process(pid)

        from undercroft.http.request import Request
        from undercroft.settings import load

        scope = {
            "method": "GET", "raw_path": b"/", "query_string": b"", "scheme": "http", "headers": [], "client": ("::1", 1)
        }
        page = metrics.MetricsPage(load({"data": "/d"}, {}), metrics.RequestMeter())(Request.of_scope(scope, None))
        print(page.body.decode())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "metrics")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stderr
    lines = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines() if line and not line.startswith("#"))
    labels = 'face="s3",operation="GetObject"'
    assert lines[f'undercroft_requests_total{{{labels},status="2xx"}}'] == "8.0"
    assert lines[f"undercroft_sent_bytes_total{{{labels}}}"] == "80.0"
    assert lines[f"undercroft_received_bytes_total{{{labels}}}"] == "6.0"
    assert lines["undercroft_requests_in_flight"] == "3.0"
    assert lines['undercroft_request_seconds_bucket{face="s3",le="0.0005",operation="GetObject"}'] == "2.0"
    assert lines['undercroft_request_seconds_bucket{face="s3",le="0.005",operation="GetObject"}'] == "6.0"
    assert lines['undercroft_request_seconds_bucket{face="s3",le="+Inf",operation="GetObject"}'] == "8.0"
    assert lines[f"undercroft_request_seconds_count{{{labels}}}"] == "8.0"
    assert float(lines[f"undercroft_request_seconds_sum{{{labels}}}"]) == pytest.approx(1000.0122)


def test_p12_the_shared_files_have_their_room_before_they_are_mapped_and_wait_where_there_is_none(
    tmp_path, monkeypatch
):
    allocate = os.posix_fallocate

    def full(fd, offset, length):
        if length == limits.METRICS_HISTOGRAMS_BYTES:
            raise OSError(errno.ENOSPC, "full")
        allocate(fd, offset, length)

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", full)
    meter = RequestMeter()
    meter.record("s3", "GetObject", 200, 1.0, received=0, sent=0)
    meter.flush()
    assert list(tmp_path.iterdir()) == []
    assert len(meter._cells) == 1, "what was counted is lost"
    monkeypatch.setattr(os, "posix_fallocate", allocate)
    assert metrics._reserve_files()
    made = {path.name.rpartition("_")[0]: path.stat() for path in tmp_path.iterdir()}
    assert made.keys() == {"counter", "histogram", "gauge_livesum"}
    assert all(status.st_blocks * 512 >= status.st_size > 0 for status in made.values())


def test_what_an_earlier_server_counted_is_forgotten(tmp_path, monkeypatch):
    from undercroft.http.metrics import prepare_directory

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    left_over = tmp_path / "metrics" / "counter_1.db"
    left_over.parent.mkdir()
    left_over.touch()
    prepare_directory(tmp_path / "metrics")
    assert not left_over.exists()
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "metrics")
