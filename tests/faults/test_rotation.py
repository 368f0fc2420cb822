"""Changing the master key while a server is being written to, and dying in the middle of it, at any call to the disk."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from harness import kill_at
from harness.customer_keys import KEY
from harness.load import Load
from harness.processes import wait_until
from harness.server import ServerFailed, run_command
from harness.stores import Bench, open_bench
from undercroft.store.identity.principals import Principal
from undercroft.store.model import SSE_B2, Bucket, NewFile

SEALED = NewFile("a/b", encryption=SSE_B2)
STRIDE = 13  # At CI size, one in so many calls is a death.
STEPS_MAX = 2000
PROGRAM_TIMEOUT_S = 900


class Scene(NamedTuple):
    """A data directory with some of everything that is wrapped."""

    folder: Path
    principal: Principal
    bucket: Bucket
    contents: dict[str, bytes]


async def build(folder: Path) -> Scene:
    contents = {f"{number}-{size}": os.urandom(size) for number in range(3) for size in (100, 70_000)}
    async with open_bench(folder) as bench:
        for name, data in contents.items():
            await bench.put(name, data, new=SEALED)
        await bench.put("customer's", b"secret", new=NewFile("a/b", encryption=KEY.store))
        await bench.store.identity.account_token(bench.principal)
        return Scene(folder, bench.principal, bench.bucket, contents)


async def check(bench: Bench, scene: Scene) -> None:
    bench.principal, bench.bucket = scene.principal, scene.bucket
    for name, data in scene.contents.items():
        assert await bench.get(name) == data, name
    assert scene.principal.key is not None
    await bench.store.identity.authenticate_key(scene.principal.key.key_id, scene.principal.key.secret)
    version = await bench.store.files.current(bench.principal, bench.bucket, "customer's")
    assert await bench.store.files.read(version, 0, 6, KEY.store) == b"secret"
    await bench.put("written after it", b"new", new=SEALED)
    assert await bench.get("written after it") == b"new"


async def die(scene: Scene, at: int) -> int:
    """Changes the key and dies at this call; how many calls it took where it did not."""
    async with open_bench(scene.folder, new=False) as bench:
        kill_at.arm(at)
        await bench.store.work.rotation.run()
        return kill_at.calls()


async def take_over(scene: Scene) -> None:
    """Everything is there after the death, before and after the change is ended."""
    async with open_bench(scene.folder, new=False) as bench:
        await check(bench, scene)
        await bench.store.work.rotation.run()
        await check(bench, scene)
        assert len(bench.store.work.rotation.key_ids) == 1
    async with open_bench(scene.folder, new=False) as bench:
        await check(bench, scene)


def forked(work: Callable[[], Awaitable[object]]) -> int:
    """The exit status of a process that does the work: 2 where it answers something, 0 where not, -9 where it was killed."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 2 if asyncio.run(work()) else 0
        except BaseException:  # noqa: BLE001 - the outermost handler of the process.
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_program(place: Path, stride: int) -> None:
    """Dies at every `stride`-th call of a change, beginning anywhere, and prints how many deaths there were."""
    scene = asyncio.run(build(place / "scene"))
    deaths, at = 0, random.randint(1, stride)
    while at < STEPS_MAX:
        attempt = scene._replace(folder=place / f"attempt-{at}")
        shutil.copytree(scene.folder, attempt.folder)
        code = forked(lambda attempt=attempt, at=at: die(attempt, at))
        assert code in {2, -signal.SIGKILL}, f"at call {at}: exit code {code}"
        assert forked(lambda attempt=attempt: take_over(attempt)) == 0, f"after a death at call {at}"
        shutil.rmtree(attempt.folder)
        if code == 2:
            print(json.dumps({"deaths": deaths, "calls": at}))  # noqa: T201 - the program's answer.
            return
        deaths += 1
        at += stride
    raise AssertionError(f"the change is not done after {STEPS_MAX} calls")


@pytest.mark.timeout(PROGRAM_TIMEOUT_S)
def test_a_death_at_any_call_of_a_change_of_the_master_key_costs_nothing(tmp_path, full_size):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LD_PRELOAD": str(kill_at.make_library(tmp_path)),
    }
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path), str(1 if full_size else STRIDE)],
        capture_output=True, text=True, check=False, timeout=PROGRAM_TIMEOUT_S, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    answer = json.loads(done.stdout)
    assert answer["deaths"] >= 3
    print(f"{answer['deaths']} deaths in {answer['calls']} calls")  # noqa: T201 - the figure of the note.


@pytest.mark.timeout(300)
def test_a_server_under_load_takes_a_new_master_key_without_a_failed_request(make_server, tmp_path):
    server = make_server("--workers", "2").start()
    load = Load(server)
    keys = set()
    for _ in range(2):
        with load.running():
            wait_until(lambda before=load.acknowledged: load.acknowledged > before + 20, "the load does not run")
            rotated = run_command("keyring", "rotate", "--data", str(server.data_dir), home=tmp_path)
            keys.add(rotated["keyId"])
            wait_until(lambda before=load.acknowledged: load.acknowledged > before + 20, "the load does not go on")
    assert len(keys) == 2
    load.verify()
    shown = run_command("keyring", "show", "--data", str(server.data_dir), home=tmp_path)
    assert shown == {"keyId": rotated["keyId"], "olderKeyIds": []}
    server.stop()
    server.start()
    load.verify()
    server.stop()


@pytest.mark.parametrize(("key", "said"), [(None, "is missing"), (b"A" * 43 + b"=\n", "does not open")])
def test_a_server_refuses_to_start_without_the_key_of_its_data_and_makes_no_other(make_server, key, said):
    server = make_server("--workers", "1").start()
    server.stop()
    path = server.data_dir / "master.key"
    right = path.read_bytes()
    path.unlink()
    if key is not None:
        path.write_bytes(key)
        path.chmod(0o600)
    with pytest.raises(ServerFailed, match=said):
        server.start()
    assert path.exists() is (key is not None)
    path.write_bytes(right)
    path.chmod(0o600)
    server.start()
    server.stop()


if __name__ == "__main__":
    run_program(Path(sys.argv[1]), int(sys.argv[2]))
