"""Who is told of alerts: the form of the console, and real mail and a real webhook (console reference, section 17)."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from playwright.sync_api import expect

from harness.clients import boto3_client
from harness.console import console_of
from harness.mail_server import serving_mail
from harness.notifications import SECRET
from harness.processes import wait_until
from harness.receiver import LOOPBACK, receiving
from harness.server import Server
from undercroft.store.work.event_messages import SIGNATURE_HEADER


@pytest.fixture(scope="module")
def installation(certificates, tmp_path_factory):
    """A server that sends mail and reaches this machine, with the letterbox and a receiver of webhooks."""
    with serving_mail() as (box, port), receiving(certificates) as receiver:
        options = ("--smtp-url", f"smtp://127.0.0.1:{port}", "--mail-from", "console@example.com")
        options += ("--allow-targets", LOOPBACK, "--target-ca", str(certificates.ca_file))
        running = Server(tmp_path_factory.mktemp("alerts") / "data", options=options).start()
        yield running, box, receiver
        running.stop()


@pytest.fixture
def sign_up(installation, browser):
    """Makes an account, and gives a page on which it is signed in and its S3 client."""
    opened = []

    def make(email):
        made = installation[0].create_account(email)
        console = console_of(installation[0], browser)
        opened.append(console)
        console.sign_in(email)
        return console, boto3_client(installation[0], key=(made["keyId"], made["applicationKey"]))

    yield make
    for console in opened:
        console.page.context.close()
        assert not console.messages, console.messages


def edit_alerts(console):
    console.open("/caps")
    return console.dialog("Edit Alerts")


def save(dialog):
    dialog.get_by_role("button", name="Update Alerts").click()


def told(console):
    return console.page.locator("dl[aria-labelledby=told]")


def confirm(console, box, address):
    """Say yes for an address, in a browser without an account here."""
    waiting = told(console).locator(".told").filter(has_text=address)
    expect(waiting).to_contain_text("Waiting for confirmation")
    reader = console_of(console.server, console.page.context.browser).page
    reader.goto(box.link_to(address, "Do you want the alerts"))
    reader.get_by_role("button", name="Yes, send them").click()
    expect(reader.get_by_text(f"Alerts go to {address} from now on.")).to_be_visible()
    reader.context.close()
    console.open("/caps")
    expect(waiting).not_to_contain_text("Waiting for confirmation")


def cap_storage(console, amount):
    console.open("/caps")
    dialog = console.dialog("Edit Caps")
    dialog.get_by_role("checkbox", name="No Cap: Daily Storage Caps").uncheck()
    dialog.get_by_role("textbox", name="Daily Storage Caps").fill(amount)
    dialog.get_by_role("button", name="Update Caps").click()
    expect(dialog).to_have_count(0)


def test_alerts_reach_the_addresses_and_the_webhook_that_the_owner_names_at_the_percentages_chosen(
    installation, sign_up, new_email
):
    server, box, receiver = installation
    owner, team = new_email("alerted"), new_email("team")
    console, s3 = sign_up(owner)
    dialog = edit_alerts(console)
    dialog.get_by_label("Daily Storage Caps").fill("much")
    save(dialog)
    expect(dialog.locator("[id$=e-at_storage]")).to_contain_text("75, 100")
    dialog.get_by_label("Daily Storage Caps").fill("20, 90 %")
    dialog.get_by_label("Mail to further addresses").fill("nobody")
    save(dialog)
    expect(dialog.locator("[id$=e-addresses]")).to_contain_text("not an e-mail address")
    dialog.get_by_label("Mail to further addresses").fill(team)
    dialog.get_by_label("Webhook URL").fill("https://127.0.0.1/ with a space")
    save(dialog)
    expect(dialog.locator("[id$=e-webhook_url]")).to_contain_text("https URL")
    dialog.get_by_label("Webhook URL").fill(f"{receiver.url}/named")
    dialog.get_by_label("Signing secret").fill(SECRET)
    save(dialog)
    expect(dialog).to_have_count(0)
    expect(told(console)).to_contain_text(owner)
    expect(told(console)).to_contain_text(f"127.0.0.1:{receiver.port}")
    confirm(console, box, team)

    cap_storage(console, "1 KB")
    expect(console.page.locator('tr[data-cap="storage"]')).to_contain_text("20 %, 90 %")
    s3.create_bucket(Bucket="alerting-bucket")
    s3.put_object(Bucket="alerting-bucket", Key="file", Body=bytes(300))
    receiver.wait_for(lambda: any(came.path.endswith("/named") for came in receiver.came), timeout_s=90)
    came = next(came for came in receiver.came if came.path.endswith("/named"))
    signature = hmac.new(SECRET.encode(), came.body, hashlib.sha256).hexdigest()
    assert came.headers[SIGNATURE_HEADER] == f"v1={signature}"
    [alert] = json.loads(came.body)["alerts"]
    assert (alert["category"], alert["percent"], alert["used"], alert["cap"]) == ("storage", 20, 300, 1000)
    for address in (owner, team):
        assert box.link_to(address, "20 percent of the cap on storage", timeout_s=90) == f"{server.console_url}/caps"
    console.open("/caps")
    expect(console.page.locator('tr[data-alert="storage-20"]')).to_have_count(1)


def test_what_did_not_arrive_is_said_where_one_can_mend_it(installation, sign_up, new_email):
    _, box, receiver = installation
    email = new_email("unheard")
    console, s3 = sign_up(email)
    receiver.answer = lambda _came: 500
    dialog = edit_alerts(console)
    dialog.get_by_label(f"Mail to {email}").uncheck()
    dialog.get_by_label("Webhook URL").fill(receiver.url)
    save(dialog)
    expect(dialog).to_have_count(0)
    cap_storage(console, "1 KB")
    s3.create_bucket(Bucket="unheard-bucket")
    s3.put_object(Bucket="unheard-bucket", Key="file", Body=bytes(800))

    def is_said():
        console.open("/caps")
        return console.page.get_by_text("The target answered 500").count() == 1

    wait_until(is_said, "nothing says that the webhook does not take it", timeout_s=90)
    assert not [mail for mail in box.mails if email in mail[1]]


def test_a_new_address_is_asked_again_gets_a_test_once_it_said_yes_and_leaves_by_the_letters_link(
    installation, sign_up
):
    _, box, receiver = installation
    receiver.answer = lambda _came: 200
    console, _ = sign_up("asking@example.com")
    page, address = console.page, "asked@example.com"
    dialog = edit_alerts(console)
    dialog.get_by_label("Mail to further addresses").fill(address)
    dialog.get_by_label("Webhook URL").fill(f"{receiver.url}/tested")
    save(dialog)
    expect(page.get_by_text("told nothing before it has confirmed")).to_be_visible()
    box.link_to(address, "Do you want the alerts")
    page.get_by_role("button", name=f"Send the link to {address} again").click()
    expect(page.get_by_text("The link is on its way to that address again.")).to_be_visible()
    expect(page.get_by_role("button", name=f"Send a test to {address}")).to_have_count(0)
    wait_until(lambda: sum(address in mail[1] for mail in box.mails) == 2, "no second letter")
    confirm(console, box, address)
    page.get_by_role("button", name=f"Send a test to {address}").click()
    expect(page.get_by_text(f"{address}: The mail server took the test.")).to_be_visible()
    box.refuses = True
    try:
        page.get_by_role("button", name="Send a test to asking@example.com").click()
        expect(page.get_by_text("The mail server did not take it")).to_be_visible()
    finally:
        box.refuses = False
    page.get_by_role("button", name="Send a test to the webhook").click()
    expect(page.get_by_text("The webhook: The test was answered with 200.")).to_be_visible()
    came = next(came for came in receiver.came if came.path.endswith("/tested"))
    assert json.loads(came.body) == {"alerts": [], "expiringKeys": [], "test": True}
    way_out = box.link_to(address, "A test", containing="unsubscribe")
    page.goto(way_out)
    page.get_by_role("button", name="Send no more").click()
    expect(page.get_by_text(f"No more alerts go to {address}.")).to_be_visible()
    page.goto(way_out)
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    console.open("/caps")
    expect(told(console)).not_to_contain_text(address)
    console.open("/audit")
    for action in ("Confirm address of alerts", "Unsubscribe address from alerts", "Send test alert"):
        expect(page.get_by_role("row").filter(has_text=action).first).to_be_visible()
    assert way_out.rpartition("/")[2] not in page.content()
