"""Events reach a real receiver at least once and in order, whoever dies, and none is of something that did not happen."""

from __future__ import annotations

import itertools
import json
import threading
from contextlib import suppress

import pytest

from harness.clients import boto3_client
from harness.native_session import Session
from harness.notifications import first_time
from harness.processes import wait_until
from harness.receiver import LOOPBACK, receiving
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
        thinking, killed = threading.Event(), threading.Event()

        def think(_came):
            if not killed.is_set():
                thinking.set()
                killed.wait(30)
            return 200

        receiver.answer = think
        for number in range(3):
            b2.upload(bucket_id, f"n{number}", b"data")
        assert thinking.wait(30)
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
