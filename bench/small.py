"""Small signed requests, by presigned URLs: GET and PUT by wrk, HEAD and DELETE by `bodiless`."""

from __future__ import annotations

import itertools
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bodiless import ask_all
from targets import BUCKET, Invalid, Target
from work import SMALL_BYTES, Load, Sample, Work, checked, put_all

REQUESTS_LUA = Path(__file__).with_name("requests.lua")
WRK_THREADS = 2
FILLERS = 8
SHARE = 200  # Paths that one client fills in one go.
ANSWER_TIMEOUT_S = 30


def small(method: str, clients: int) -> Load:
    """Requests for files of 4 KiB by so many clients: with one, the median latency in ms; with more, requests a second."""

    def run(work: Work, target: Target) -> Sample:
        told = _LOADS[method](work, target, clients)
        return Sample(
            value=told["p50_us"] / 1e3 if clients == 1 else told["requests"] / told["duration_us"] * 1e6,
            cpu_us=told["cpu_s"] / told["requests"] * 1e6,
            more={"requests": told["requests"], "p50_ms": told["p50_us"] / 1e3, "p99_ms": told["p99_us"] / 1e3},
        )

    return run


def _get(work: Work, target: Target, clients: int) -> dict[str, Any]:
    paths = _paths(work, target)
    told = wrk(work, target, "GET", target.sign("GET", paths), clients=clients)
    if told["received_bytes"] < told["requests"] * SMALL_BYTES:
        raise Invalid(f"{told['requests']} GETs brought {told['received_bytes']} bytes")
    _check(work, target, paths)
    return told


def _put(work: Work, target: Target, clients: int) -> dict[str, Any]:
    paths = _paths(work, target)
    told = wrk(work, target, "PUT", target.sign("PUT", paths), clients=clients, body=work.small_file)
    _check(work, target, paths)
    return told


def _head(work: Work, target: Target, clients: int) -> dict[str, Any]:
    paths = _paths(work, target)
    signed = itertools.cycle(target.sign("HEAD", paths))
    told = ask_all(target, "HEAD", signed, clients=clients, status=200, seconds=work.sizes.seconds)
    _check(work, target, paths)
    return told


def _delete(work: Work, target: Target, clients: int) -> dict[str, Any]:
    """Each file once: deleting what is not there is other work."""
    folder = work.new_name("delete")
    paths = [f"/{BUCKET}/{folder}/{number}" for number in range(work.sizes.deletes)]
    fill(target, paths, work.block[:SMALL_BYTES])
    work.settle()
    signed = iter(target.sign("DELETE", paths))
    told = ask_all(target, "DELETE", signed, clients=clients, status=204, seconds=work.sizes.seconds)
    checked(target, "GET", target.sign("GET", paths[:1])[0], 404)
    return told


_LOADS = {"GET": _get, "PUT": _put, "HEAD": _head, "DELETE": _delete}


def _paths(work: Work, target: Target) -> list[str]:
    """The files that are read and written again and again."""
    paths = [f"/{BUCKET}/small/{number}" for number in range(work.sizes.names)]
    target.prepare("small", lambda: fill(target, paths, work.block[:SMALL_BYTES]))
    work.settle()
    return paths


def _check(work: Work, target: Target, paths: list[str]) -> None:
    """Looks at some files as a careful client would: wrk itself counts statuses of 400 and above only."""
    expected = work.block[:SMALL_BYTES]
    for path in (paths[0], paths[len(paths) // 2]):
        if checked(target, "GET", target.sign("GET", [path])[0], 200) != expected:
            raise Invalid("GET brought other bytes than were put")
        status, headers, _ = target.ask("HEAD", target.sign("HEAD", [path])[0])
        if (status, headers.get("content-length")) != (200, str(SMALL_BYTES)):
            raise Invalid(f"HEAD answered {status} with a length of {headers.get('content-length')}")
    checked(target, "PUT", target.sign("PUT", paths[:1])[0], 200, expected)


def fill(target: Target, paths: list[str], body: bytes) -> None:
    """Puts the same body under every path, by several clients at once.

    The first path goes alone and each client has folders of its own as far as may be: rclone fails when two files come at
    once to a folder that is not there yet. Shares are small, so that who is told to stop need not wait long.
    """
    put_all(target, paths[:1], body)
    with ThreadPoolExecutor(FILLERS) as pool:
        list(pool.map(lambda at: put_all(target, paths[at : at + SHARE], body), range(0, len(paths), SHARE)))


def wrk(
    work: Work, target: Target, method: str, signed: list[str], *, clients: int, body: Path | None = None
) -> dict[str, Any]:
    """Runs wrk over signed paths and gives back what it counted, with the server's seconds of processor time.

    Raises `Invalid` where a request failed or none was answered.
    """
    file = work.folder / "paths"
    file.write_text("\n".join(signed) + "\n")
    threads = min(clients, WRK_THREADS)
    before = target.cpu_s()
    done = subprocess.run(
        [
            "wrk", f"-t{threads}", f"-c{clients}", f"-d{work.sizes.seconds}s", f"--timeout={ANSWER_TIMEOUT_S}s",
            "-s", REQUESTS_LUA, target.s3_endpoint, "--", method, file, body or "-", str(threads),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    used = target.cpu_s() - before
    if done.returncode:
        raise Invalid(f"wrk ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if told["failed"] or not told["requests"]:
        raise Invalid(f"{told['failed']} requests failed and {told['requests']} did not")
    return told | {"cpu_s": used}
