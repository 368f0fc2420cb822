"""The tray shows jobs on every page while they run and for a while after, and says once how they ended."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from harness.clients import boto3_client

# Remembers what a page says in its corner, since that goes again.
LISTEN = """document.addEventListener("DOMContentLoaded", () => {
    window.said = [];
    const hear = (changes) => window.said.push(...changes.flatMap((change) => [...change.addedNodes]).map((added) => added.textContent));
    new MutationObserver(hear).observe(document.querySelector("[data-toasts]"), { childList: true });
})"""
ASKED = re.compile(r"/jobs\.json")


class Held:
    """Holds back from pages that a bucket's job has ended: they are told what it was like at first, until it is let go.

    Of the jobs of the account's other buckets, which other tests have made, they hear nothing.
    """

    def __init__(self, context, bucket):
        self.bucket = bucket
        self.asked = 0
        self.is_held = True
        context.route(ASKED, self._answer)

    def _answer(self, route):
        self.asked += 1
        answer = route.fetch()
        told = answer.json()
        told["jobs"] = [job for job in told["jobs"] if self.bucket in job["title"]]
        if self.is_held:
            for job in told["jobs"]:
                job.update(state="running", label="Running", percent=40, did="")
        route.fulfill(response=answer, body=json.dumps(told))


@pytest.fixture
def s3(server, owner):
    return boto3_client(server, key=(owner.key_id, owner.application_key))


@pytest.fixture
def bucket(s3, new_name):
    name = new_name("tray")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a/b", Body=b"x")
    return name


@pytest.fixture(autouse=True)
def clear(console):
    """Jobs of the test before are no longer shown."""
    yield
    console.page.evaluate("""async () => {
        const app = document.querySelector('script[src$="/js/app.js"]').src;
        const { jobs } = await import(app.replace("app.js", "uploads/jobs.js"));
        jobs.clear();
    }""")


def begin_emptying(console, bucket):
    console.open(f"/buckets/{bucket}/empty")
    console.page.get_by_label("Type the name").fill(bucket)
    console.page.get_by_role("button", name="Empty bucket").click()
    expect(console.page).to_have_url(re.compile("/jobs/"))


def row(page, bucket):
    return page.get_by_role("list", name="Jobs").get_by_role("listitem").filter(has_text=bucket)


def toast(page, text):
    return page.locator("[data-toasts]").get_by_text(text)


def test_a_job_is_in_the_tray_of_other_pages_with_its_progress_and_a_link_and_its_end_is_told_once(console, bucket):
    page = console.page
    held = Held(page.context, bucket)
    page.context.add_init_script(LISTEN)
    begin_emptying(console, bucket)
    console.open("/keys")
    pill = page.locator(".tray-pill")
    expect(pill).to_have_text("1 job under way · 40 %")
    expect(row(page, bucket)).to_be_hidden()
    pill.click()
    expect(row(page, bucket).get_by_role("progressbar")).to_have_attribute("value", "40")
    console.open("/caps")
    expect(row(page, bucket)).to_contain_text("Running, 40 %")  # It is as open as it was left.
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".tray-pill")).to_be_visible()
    held.is_held = False
    page.bring_to_front()
    expect(row(page, bucket)).to_contain_text("Done, removed 1 version")
    expect(other.locator(".tray-pill")).to_contain_text("ended")
    for _ in range(300):
        said = [text for one in (page, other) for text in one.evaluate("window.said") if bucket in text]
        if said:
            break
        page.wait_for_timeout(100)
    assert said == [f"Empty {bucket}: done.ShowClose"]
    other.close()
    row(page, bucket).get_by_role("link").click()
    expect(page).to_have_url(re.compile("/jobs/[0-9a-f]+$"))
    expect(page.locator("[data-toasts] .alert")).to_have_count(0)


def test_nothing_is_asked_while_no_job_runs_and_a_finished_one_can_be_cleared_away(console, bucket):
    page = console.page
    held = Held(page.context, bucket)
    held.is_held = False
    begin_emptying(console, bucket)
    expect(page.locator(".badge", has_text="Done")).to_be_visible(timeout=30_000)
    console.open("/keys")
    pill = page.locator(".tray-pill")
    expect(pill).to_contain_text("ended")
    asked = held.asked
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    pill.click()
    page.get_by_role("button", name="Clear finished").click()
    expect(pill).to_be_hidden()
    console.open("/caps")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(pill).to_be_hidden()
    assert held.asked <= asked + 1, "once for the page that was opened"


def test_the_end_of_a_snapshot_is_told_to_a_browser_that_was_away_with_the_way_to_it(console, bucket):
    page = console.page
    held = Held(page.context, bucket)
    console.open(f"/buckets/{bucket}/snapshot")
    page.get_by_role("button", name="Make snapshot").click()
    expect(page).to_have_url(re.compile("/jobs/"))
    expect(page.locator(".tray-pill")).to_contain_text("under way")
    page.goto("about:blank")
    held.is_held = False
    deadline_row = page.get_by_role("row").filter(has_text=bucket).get_by_role("link", name="Download")
    page.context.unroute(ASKED)
    page.context.route(ASKED, lambda route: route.abort())  # Its pages learn nothing yet.
    console.open("/snapshots")
    for _ in range(300):
        if deadline_row.count():
            break
        page.wait_for_timeout(100)
        page.reload()
    page.context.unroute(ASKED)
    console.open("/keys")
    expect(toast(page, f"Snapshot of {bucket}: done.")).to_be_visible()
    page.locator("[data-toasts]").get_by_role("button", name="Snapshots").click()
    expect(page).to_have_url(re.compile("/snapshots$"))
