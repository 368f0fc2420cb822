"""Events reach a real receiver at least once and in order, whoever dies, and none is of something that did not happen."""

from __future__ import annotations

import hmac
import itertools
import json
import threading
from contextlib import closing, suppress

import apsw
import pytest

from harness.clients import boto3_client
from harness.native_session import Session
from harness.notifications import first_time
from harness.processes import wait_until
from harness.receiver import LOOPBACK, PATIENCE_S, receiving
from harness.server import run_command

ALL = ["b2:ObjectCreated:*", "b2:HideMarkerCreated:*", "b2:ObjectDeleted:*"]
BUCKET = "events-bucket"


@pytest.fixture
def running(make_server, certificates):
    return make_server("--workers", "2", "--allow-targets", LOOPBACK, "--target-ca", str(certificates.ca_file)).start()


def listening(running, url, **changes):
    """A session, and a new bucket whose rule tells this URL of everything."""
    b2 = Session(running.api_url, running.key_id, running.application_key)
    bucket_id = b2.create_bucket(BUCKET)["bucketId"]
    rule = {
        "eventTypes": ALL,
        "isEnabled": True,
        "name": "the-rule",
        "objectNamePrefix": "",
        "targetConfiguration": {"targetType": "webhook", "url": url},
        **changes,
    }
    b2.call("b2_set_bucket_notification_rules", bucketId=bucket_id, eventNotificationRules=[rule]).ok()
    return b2, bucket_id


def heard(receiver):
    """Type and name of each event, in the order in which they first came."""
    return [(event["eventType"].removeprefix("b2:"), event["objectName"]) for event in first_time(receiver.events)]


def think_until_told(receiver):
    """Have it answer nothing until the second event is set; the first tells that it has something to think about."""
    thinking, told = threading.Event(), threading.Event()

    def think(_came):
        if not told.is_set():
            thinking.set()
            told.wait(PATIENCE_S)
        return 200

    receiver.answer = think
    return thinking, told


def kill_steward(running):
    victim = running.children()[-1]
    victim.kill()
    wait_until(lambda: len(running.children()) == 4, "the steward is not replaced")


def test_both_faces_tell_the_same_receiver_in_the_order_of_what_they_do(running, certificates):
    with receiving(certificates) as receiver:
        b2, bucket_id = listening(running, receiver.url, maxEventsPerBatch=5)
        s3 = boto3_client(running)
        made = b2.upload(bucket_id, "native", b"12345")
        s3.put_object(Bucket=BUCKET, Key="s3", Body=b"1")
        s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "s3"})
        upload_id = s3.create_multipart_upload(Bucket=BUCKET, Key="large")["UploadId"]
        place = {"Bucket": BUCKET, "Key": "large", "UploadId": upload_id}
        etag = s3.upload_part(**place, PartNumber=1, Body=b"part")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
        s3.complete_multipart_upload(**place, MultipartUpload=parts)
        s3.complete_multipart_upload(**place, MultipartUpload=parts)  # Repeated, it does nothing more.
        b2.call("b2_hide_file", bucketId=bucket_id, fileName="native").ok()
        s3.delete_object(Bucket=BUCKET, Key="s3")
        doomed = [{"Key": "native", "VersionId": made["fileId"]}, {"Key": "copy"}]
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": doomed})
        expected = [
            ("ObjectCreated:Upload", "native"),
            ("ObjectCreated:Upload", "s3"),
            ("ObjectCreated:Copy", "copy"),
            ("ObjectCreated:MultipartUpload", "large"),
            ("HideMarkerCreated:Hide", "native"),
            ("HideMarkerCreated:Hide", "s3"),
            ("ObjectDeleted:Delete", "native"),
            ("HideMarkerCreated:Hide", "copy"),
        ]
        receiver.wait_for(lambda: len(heard(receiver)) == len(expected))
        assert heard(receiver) == expected
        assert receiver.events[0]["objectSize"] == 5
        assert receiver.events[0]["objectVersionId"] == made["fileId"]
    running.stop()
    assert not running.faults(), running.faults()


def test_a_steward_that_is_killed_while_a_target_thinks_is_followed_by_one_that_sends_again(running, certificates):
    with receiving(certificates) as receiver:
        b2, bucket_id = listening(running, receiver.url)
        thinking, killed = think_until_told(receiver)
        for number in range(3):
            b2.upload(bucket_id, f"n{number}", b"data")
        assert thinking.wait(PATIENCE_S)
        kill_steward(running)
        killed.set()
        receiver.wait_for(lambda: len(heard(receiver)) == 3)
        names = [event["objectName"] for event in receiver.events]
        assert [name for _, name in heard(receiver)] == ["n0", "n1", "n2"]
        assert names.count("n0") == 2  # Nobody could know that the first had arrived.


def test_what_happens_while_a_target_is_down_is_told_in_order_when_it_is_up_again(running, certificates):
    with receiving(certificates) as receiver:
        port = receiver.port
    b2, bucket_id = listening(running, receiver.url, maxEventsPerBatch=2)
    for number in range(5):
        b2.upload(bucket_id, f"n{number}", b"data")
    with receiving(certificates, port=port) as receiver:
        receiver.wait_for(lambda: len(heard(receiver)) == 5)
        assert [name for _, name in heard(receiver)] == [f"n{number}" for number in range(5)]


def delete_bucket_with_its_files(running, b2, bucket_id):
    """Empties the bucket and deletes it; the name is used again at once."""
    for row in b2.call("b2_list_file_versions", bucketId=bucket_id).ok()["files"]:
        b2.call("b2_delete_file_version", fileName=row["fileName"], fileId=row["fileId"]).ok()
    b2.call("b2_delete_bucket", accountId=running.account_id, bucketId=bucket_id).ok()
    assert b2.create_bucket(BUCKET)["bucketId"] != bucket_id


def test_what_happened_in_a_deleted_bucket_is_told_though_the_steward_is_killed_before(running, certificates):
    secret = "0123456789abcdefghijklmnopqrstuv"
    with receiving(certificates) as receiver:
        target = {"targetType": "webhook", "url": receiver.url, "hmacSha256SigningSecret": secret}
        b2, bucket_id = listening(running, receiver.url, targetConfiguration=target)
        thinking, killed = think_until_told(receiver)
        names = [f"n{number}" for number in range(3)]
        for name in names:
            b2.upload(bucket_id, name, b"data")
        assert thinking.wait(PATIENCE_S)
        delete_bucket_with_its_files(running, b2, bucket_id)
        kill_steward(running)
        killed.set()
        receiver.wait_for(lambda: len(heard(receiver)) == 6)
        told = [("ObjectCreated:Upload", name) for name in names] + [("ObjectDeleted:Delete", name) for name in names]
        assert heard(receiver) == told
        assert {(event["bucketId"], event["bucketName"]) for event in receiver.events} == {(bucket_id, BUCKET)}
        for came in receiver.came:
            signature = hmac.new(secret.encode(), came.body, "sha256").hexdigest()
            assert came.headers["X-Bz-Event-Notification-Signature"] == f"v1={signature}"
        wait_until(lambda: not left_of_deliveries(running), "something of the deleted bucket is left")


def test_what_a_deleted_bucket_left_behind_outlives_a_kill_of_everything_and_a_target_that_is_down(
    running, certificates
):
    with receiving(certificates) as receiver:
        port = receiver.port
    b2, bucket_id = listening(running, receiver.url, maxEventsPerBatch=2)
    for number in range(3):
        b2.upload(bucket_id, f"n{number}", b"data")
    delete_bucket_with_its_files(running, b2, bucket_id)
    running.kill()
    running.start()
    with receiving(certificates, port=port) as receiver:
        receiver.wait_for(lambda: len(heard(receiver)) == 6)
        assert [name for _, name in heard(receiver)] == ["n0", "n1", "n2"] * 2
        wait_until(lambda: not left_of_deliveries(running), "something of the deleted bucket is left")


def left_of_deliveries(running):
    """Which of the tables of deliveries have any row."""
    with closing(apsw.Connection(str(running.data_dir / "catalog.db"), flags=apsw.SQLITE_OPEN_READONLY)) as catalog:
        tables = ("notification_queues", "outbox", "deliveries", "orphaned_rules")
        return [table for table in tables if catalog.execute(f"SELECT 1 FROM {table}").get]


def test_after_a_kill_of_everything_each_version_has_its_event_and_no_event_lacks_its_version(running, certificates):
    with receiving(certificates) as receiver:
        b2, bucket_id = listening(running, receiver.url, maxEventsPerBatch=10)
        acknowledged = []
        target = b2.upload_url(bucket_id)

        def upload():
            with suppress(OSError, AssertionError):  # The server dies at some moment.
                for number in itertools.count():
                    answer = b2.try_upload(bucket_id, f"n{number:04}", b"data", target=target)
                    acknowledged.append(answer.ok()["fileId"])

        uploading = threading.Thread(target=upload)
        uploading.start()
        wait_until(lambda: len(acknowledged) > 30, "the uploads do not get on")
        running.kill()
        uploading.join()
        running.start()
        b2 = Session(running.api_url, running.key_id, running.application_key)
        rows = b2.call("b2_list_file_names", bucketId=bucket_id, maxFileCount=10_000).ok()["files"]
        there = [row["fileId"] for row in rows]
        assert there[: len(acknowledged)] == acknowledged
        receiver.wait_for(lambda: len(first_time(receiver.events)) >= len(there))
        assert [event["objectVersionId"] for event in first_time(receiver.events)] == there


def test_a_private_target_is_refused_where_the_operator_has_not_allowed_it(make_server, certificates):
    running = make_server("--target-ca", str(certificates.ca_file)).start()
    with receiving(certificates) as receiver:
        b2, bucket_id = listening(running, receiver.url)
        b2.upload(bucket_id, "n", b"data")
        asked = ("notifications", "log", BUCKET, "--data", str(running.data_dir))
        log = lambda: run_command(*asked, home=running.data_dir.parent)["deliveries"]
        (entry, *_) = wait_until(log, "nothing was tried")
        assert (entry["status"], entry["error"]) == (None, "The address of 127.0.0.1 is not allowed as a target")
        assert receiver.connections == 0


def test_an_alert_about_a_cap_reaches_the_operator_though_the_steward_is_killed(make_server, certificates):
    with receiving(certificates) as receiver:
        options = ("--workers", "1", "--allow-targets", LOOPBACK, "--target-ca", str(certificates.ca_file))
        server = make_server(*options)
        server.environment["UNDERCROFT_ALERT_WEBHOOK"] = receiver.url
        server.start()
        b2 = Session(server.api_url, server.key_id, server.application_key)
        bucket_id = b2.create_bucket(BUCKET)["bucketId"]
        arguments = ("account", "caps", server.account_id, "--storage", "100", "--data", str(server.data_dir))
        run_command(*arguments, home=server.data_dir.parent)
        server.children()[-1].kill()
        b2.upload(bucket_id, "a", bytes(80))
        receiver.wait_for(lambda: bool(receiver.came))
        [alert] = json.loads(receiver.came[0].body)["alerts"]
        assert (alert["accountId"], alert["percent"], alert["used"]) == (server.account_id, 75, 80)
        server.stop()
