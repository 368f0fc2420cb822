"""Event notifications by mouse (console reference, T78)."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from playwright.sync_api import expect

from harness.clients import boto3_client
from harness.console import console_of
from harness.processes import wait_until
from harness.receiver import LOOPBACK, receiving

SECRET = "0123456789abcdefghijklmnopqrstuv"


@pytest.fixture(scope="module")
def receiver(certificates):
    with receiving(certificates) as running:
        yield running


@pytest.fixture
def allowing(make_server, certificates):
    """A server that may send to this machine."""
    return make_server("--allow-targets", LOOPBACK, "--target-ca", str(certificates.ca_file)).start()


@pytest.fixture
def console(allowing, browser):
    made = console_of(allowing, browser)
    made.sign_in(allowing.announcement["email"], allowing.announcement["password"])
    yield made
    made.page.context.close()
    assert not made.messages


def test_t78_the_test_button_shows_the_answer_and_an_upload_is_delivered_and_signed(console, allowing, receiver):
    receiver.answer_body = b"thank you"
    s3 = boto3_client(allowing)
    s3.create_bucket(Bucket="told-of-everything")
    console.open("/buckets/told-of-everything/events")
    dialog = console.dialog("Add New Rule")
    dialog.get_by_label("Rule name").fill("tell-my-app")
    dialog.get_by_label("Webhook URL").fill("http://not-https.example/")
    dialog.get_by_role("button", name="Add Rule").click()
    expect(dialog.locator("[id$=e-url]")).to_contain_text("https")
    dialog.get_by_label("Webhook URL").fill(receiver.url)
    dialog.get_by_label("Signing secret").fill(SECRET)
    dialog.get_by_role("button", name="Add Rule").click()
    expect(console.page.get_by_text("The rule is saved.")).to_be_visible()

    console.page.get_by_role("link", name="Deliveries").click()
    console.page.get_by_role("button", name="Send a test event").click()
    expect(console.page.get_by_text("thank you")).to_be_visible()
    expect(console.page.get_by_role("cell", name="Test event")).to_be_visible()

    s3.put_object(Bucket="told-of-everything", Key="kitten.jpg", Body=b"kitten")
    receiver.wait_for(lambda: any(b"kitten.jpg" in one.body for one in receiver.came))
    came = next(one for one in receiver.came if b"kitten.jpg" in one.body)
    signature = hmac.digest(SECRET.encode(), came.body, hashlib.sha256).hex()
    assert came.headers["x-bz-event-notification-signature"] == f"v1={signature}"
    expect(
        console.page.get_by_role("cell", name="Events").or_(console.page.get_by_text("Delivered")).first
    ).to_be_visible()

    # What was delivered is sent again: of the delivery that is chosen, the file that is chosen.
    again = console.page.get_by_role("link", name="Send events of delivery 2 again")

    def is_logged() -> bool:  # Which it is right after the target has answered.
        console.open("/buckets/told-of-everything/events/tell-my-app/log")
        return again.count() == 1

    wait_until(is_logged, "the delivery in the log")
    again.click()
    console.page.get_by_role("button", name="Send the selected again").click()
    expect(console.page.get_by_role("alert")).to_contain_text("Select the events")
    console.page.get_by_role("checkbox", name="Select kitten.jpg").check()
    console.page.get_by_role("button", name="Send the selected again").click()
    expect(console.page.get_by_text("The events wait to be sent again.")).to_be_visible()
    receiver.wait_for(lambda: sum(b"kitten.jpg" in one.body for one in receiver.came) == 2)
    assert len({one.body for one in receiver.came if b"kitten.jpg" in one.body}) == 1

    console.open("/buckets/told-of-everything/events")
    console.page.get_by_role("link", name="Remove tell-my-app").click()
    console.page.locator("dialog").get_by_role("button", name="Remove Rule").click()
    expect(console.page.get_by_text("No event notifications yet")).to_be_visible()
