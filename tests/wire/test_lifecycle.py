"""Lifecycle rules as users of a real server see them: set through the native API, carried out by the steward."""

from __future__ import annotations

import pytest

from harness.clock import JumpingClock
from harness.native import NativeCaller
from harness.processes import wait_until

DAY_S = 86_400
PATIENCE_S = 60.0  # The steward looks every second, but the machine may be busy.


def listed(native: NativeCaller, bucket_id: str) -> list[tuple[str, str]]:
    files = native.call("b2_list_file_versions", bucketId=bucket_id, maxFileCount=1000)["files"]
    return [(file["fileName"], file["action"]) for file in files]


@pytest.mark.timeout(180)
def test_the_steward_hides_deletes_and_cancels_as_days_go_by(make_server, tmp_path):
    clock = JumpingClock(tmp_path)
    server = make_server(
        "--workers", "2", environment={**clock.environment, "UNDERCROFT_LIFECYCLE_INTERVAL": "1s"}
    ).start()
    native = NativeCaller(server)
    rule = {
        "fileNamePrefix": "logs/",
        "daysFromUploadingToHiding": 3,
        "daysFromHidingToDeleting": 2,
        "daysFromStartingToCancelingUnfinishedLargeFiles": 1,
    }
    bucket_id = native.call(
        "b2_create_bucket",
        accountId=server.account_id, bucketName="with-lifecycle", bucketType="allPrivate", lifecycleRules=[rule],
    )["bucketId"]  # fmt: skip
    for name in ("kept", "logs/a"):
        native.upload(bucket_id, name, b"first", {})
        native.upload(bucket_id, name, b"second", {})
    native.call("b2_start_large_file", bucketId=bucket_id, fileName="logs/large", contentType="a/b")
    kept = [("kept", "upload")] * 2
    hidden = [("logs/a", "hide"), ("logs/a", "upload")]
    for days, left in (
        (1, [*kept, *[("logs/a", "upload")] * 2]),  # The large file is canceled.
        (3, [*kept, *hidden]),  # The older version is two days hidden, the newer one three days old.
        (5, kept),
    ):
        clock.set(days * DAY_S + 60)
        native = NativeCaller(server)  # Tokens are valid for a day.
        wait_until(
            lambda native=native, left=left: listed(native, bucket_id) == left,
            f"the rules are not carried out on day {days}",
            PATIENCE_S,
        )
    native.upload(bucket_id, "logs/a", b"third", {})
    assert listed(native, bucket_id) == [*kept, ("logs/a", "upload")]
    server.stop()
    assert server.faults() == []
