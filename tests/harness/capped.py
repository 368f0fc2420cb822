"""A running server whose caps a test sets, through both interfaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from harness.native_session import Answer, Session
from harness.processes import wait_until
from harness.s3_raw import make_client
from harness.server import Server, run_command

_OF_ACCOUNT = ("storage", "files", "download", "class-b", "class-c")


class Capped(NamedTuple):
    """A server with one worker, which therefore knows exactly what was counted, and an account with a private bucket."""

    server: Server
    b2: Session
    s3: Any
    bucket: dict[str, Any]

    def cap(self, **caps: int) -> None:
        """Set these caps and lift all others."""
        wanted = {name: str(caps.get(name.replace("-", "_"), "none")) for name in _OF_ACCOUNT}
        options = [part for name, value in wanted.items() for part in (f"--{name}", value)]
        run(self.server, "account", "caps", self.server.account_id, *options)

    def learnt(self, ask: Callable[[], Answer]) -> Answer:
        """What a cap answers that the worker learns of within seconds."""

        def refused() -> Answer | None:
            answer = ask()
            return answer if answer.status == 403 else None

        found: Answer = wait_until(refused, "the worker does not learn of the cap")
        return found


def run(server: Server, *command: str) -> dict[str, Any]:
    return run_command(*command, "--data", str(server.data_dir), home=server.data_dir.parent)


@contextmanager
def capped_server(folder: Path) -> Iterator[Capped]:
    """A server of one worker with its data in this folder, and a bucket to be capped."""
    running = Server(folder / "data", options=("--workers", "1")).start()
    b2 = Session(running.api_url, running.key_id, running.application_key)
    s3 = make_client(running, running.key_id, running.application_key)
    yield Capped(running, b2, s3, b2.create_bucket("capped-bucket"))
    running.stop()
    assert not running.faults(), running.faults()


def lift_caps(capped: Capped) -> None:
    """Lift the caps of the account and have nothing stored in it."""
    capped.cap()
    wait_until(lambda: _is_free(capped), "caps are not lifted")
    probe = capped.b2
    for bucket in probe.call("b2_list_buckets", accountId=probe.account_id).ok()["buckets"]:
        for row in probe.call("b2_list_file_versions", bucketId=bucket["bucketId"]).ok()["files"]:
            probe.call("b2_delete_file_version", fileName=row["fileName"], fileId=row["fileId"]).ok()


def _is_free(capped: Capped) -> bool:
    """Whether the worker has learnt that nothing is capped: something of each kind is let pass."""
    probe = capped.b2
    asked = (
        lambda: probe.try_upload(capped.bucket["bucketId"], "probe", b"1"),
        lambda: probe.download(capped.bucket["bucketName"], "probe"),
        lambda: probe.call("b2_list_buckets", accountId=probe.account_id),
    )
    return all(ask().status == 200 for ask in asked)


def refused_by_s3(ask: Callable[[], Any]) -> tuple[int, str, str]:
    """Status, code and words with which S3 refuses what is asked."""
    with pytest.raises(ClientError) as raised:
        ask()
    response = raised.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]
