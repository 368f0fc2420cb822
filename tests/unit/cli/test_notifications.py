"""`undercroft notifications`, on a data directory that no server has at the moment."""

from __future__ import annotations

import asyncio
import json
import subprocess

import pytest

from harness.notifications import SECRET, Inbox, deliver, rule, set_rules
from harness.receiver import LOOPBACK, receiving
from harness.server import COMMAND, clean_environment
from harness.stores import open_bench
from undercroft import limits
from undercroft.store.buckets.notification_rules import Target

BUCKET = "bench-bucket"


@pytest.fixture
def receiver(certificates):
    with receiving(certificates) as listening:
        yield listening


@pytest.fixture
def folder(tmp_path, receiver):
    """A data directory whose bucket has two rules, of which one has delivered something, at the second try."""

    async def fill():
        inbox = Inbox(lambda _url, _body: 200 if len(inbox.posted) > 1 else 503)
        async with open_bench(tmp_path / "data", visit=inbox) as bench:
            await set_rules(
                bench,
                rule("rule-one", object_name_prefix="1", target=Target(receiver.url, None, SECRET)),
                rule("rule-two", object_name_prefix="2"),
            )
            await bench.put("1")
            await deliver(bench)
            bench.clock.ms += 1000
            await deliver(bench)

    asyncio.run(fill())
    return tmp_path


def run(folder, *arguments):
    done = subprocess.run(
        [COMMAND, "notifications", *arguments, "--data", str(folder / "data")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=clean_environment(folder),
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert SECRET not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def test_the_log_shows_what_was_tried_newest_first(folder):
    code, said, _ = run(folder, "log", BUCKET, "--json")
    entries = json.loads(said)["deliveries"]
    assert code == 0
    assert [(one["ruleName"], one["attempt"], one["status"], one["error"]) for one in entries] == [
        ("rule-one", 2, 200, None),
        ("rule-one", 1, 503, "The target answered 503"),
    ]
    _, text, _ = run(folder, "log", BUCKET)
    assert "rule-one" in text
    assert "503" in text
    assert json.loads(run(folder, "log", BUCKET, "--rule", "rule-two", "--json")[1])["deliveries"] == []
    assert "Nothing was delivered yet." in run(folder, "log", BUCKET, "--rule", "rule-two")[1]


def test_a_test_event_is_sent_and_its_answer_shown(folder, receiver, certificates):
    receiver.answer_body = b"welcome"
    allowed = ("--allow-targets", LOOPBACK, "--target-ca", str(certificates.ca_file))
    code, said, _ = run(folder, "test", BUCKET, "rule-one", *allowed, "--json")
    answer = json.loads(said)
    assert (code, answer["delivered"], answer["status"], answer["answer"]) == (0, True, 200, "welcome")
    assert [event["eventType"] for event in receiver.events] == ["b2:TestEvent"]
    receiver.answer = lambda _came: 500
    assert run(folder, "test", BUCKET, "rule-one", *allowed)[0] == 1
    (latest, *_) = json.loads(run(folder, "log", BUCKET, "--json")[1])["deliveries"]
    assert (latest["kind"], latest["status"]) == ("test", 500)


def test_a_private_target_is_refused_unless_it_is_allowed(folder, receiver):
    code, said, _ = run(folder, "test", BUCKET, "rule-one", "--json")
    assert (code, json.loads(said)["error"]) == (1, "The address of 127.0.0.1 is not allowed as a target")
    assert receiver.connections == 0


def test_what_is_not_there_is_told(folder):
    assert run(folder, "log", "another-bucket")[::2] == (1, "undercroft: Bucket another-bucket does not exist\n")
    code, _, said = run(folder, "test", BUCKET, "another-rule")
    assert (code, "no event notification rule named another-rule" in said) == (1, True)


def test_a_network_or_file_that_is_none_is_wrong_usage(folder):
    assert run(folder, "test", BUCKET, "rule-one", "--allow-targets", "10.0.0.1/8")[0] == 2
    assert run(folder, "test", BUCKET, "rule-one", "--target-ca", "/no/such/file")[0] == 2


def test_events_of_a_delivery_are_shown_and_sent_again(folder):
    assert "number" in run(folder, "log", BUCKET)[1]
    delivered = next(
        one for one in json.loads(run(folder, "log", BUCKET, "--json")[1])["deliveries"] if not one["error"]
    )
    assert (delivered["number"], delivered["eventsKept"]) == (2, 1)
    of_delivery = (BUCKET, "rule-one", "--delivery", "2")
    (event,) = json.loads(run(folder, "events", *of_delivery, "--json")[1])["events"]
    assert (event["name"], event["type"], len(event["id"])) == ("1", "b2:ObjectCreated:Upload", 64)
    assert "2027-01-15 08:00:00" in run(folder, "events", *of_delivery)[1]
    assert json.loads(run(folder, "replay", *of_delivery, "--event", "7", "--json")[1])["events"] == 0
    assert json.loads(run(folder, "replay", *of_delivery, "--event", str(event["event"]), "--json")[1])["events"] == 1
    assert "No events of this delivery" in run(folder, "events", *of_delivery)[1]
    assert "again  0" in run(folder, "replay", BUCKET, "rule-one")[1]
    code, _, fault = run(folder, "replay", BUCKET, "rule-one", "--event", "1")
    assert code == 2
    assert "--delivery" in fault


def test_the_log_tells_of_events_that_were_given_up_and_they_are_sent_again(folder):
    async def give_up():
        async with open_bench(folder / "other") as bench:
            await set_rules(bench, rule("rule-one"))
            await bench.put("1")
            bench.clock.ms += limits.EVENT_KEPT_S * 1000 + 1
            await bench.store.work.deliveries.prune()

    asyncio.run(give_up())
    (folder / "data").rename(folder / "before")
    (folder / "other").rename(folder / "data")
    assert "1 events were given up" in run(folder, "log", BUCKET)[1]
    assert json.loads(run(folder, "log", BUCKET, "--json")[1])["givenUpEvents"] == {"rule-one": 1}
    assert "again  1" in run(folder, "replay", BUCKET, "rule-one")[1]
    assert json.loads(run(folder, "log", BUCKET, "--json")[1])["givenUpEvents"] == {}
