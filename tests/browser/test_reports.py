"""Reports (console reference, T76): what charts, tables and files say is what was done."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
import requests
from playwright.sync_api import expect

from harness.clients import boto3_client
from harness.console import console_of
from harness.processes import wait_until

UPLOADED = 3 * 1000 + 10_000
DOWNLOADED = 2 * 1000
SPAN = "from={}&to={}"


@pytest.fixture(scope="module")
def done(server, owner):
    """A bucket in which things were done, and the days on which."""
    s3 = boto3_client(server, key=(owner.key_id, owner.application_key))
    name = f"reported-{owner.account_id}"
    began = datetime.now(UTC).date()
    s3.create_bucket(Bucket=name)  # C
    for _ in range(3):
        s3.put_object(Bucket=name, Key="again", Body=bytes(1000))  # A
    s3.put_object(Bucket=name, Key="large", Body=bytes(10_000))  # A
    for _ in range(2):
        s3.get_object(Bucket=name, Key="again")["Body"].read()  # B
    assert (
        requests.get(f"{server.s3_endpoint}/{name}/again", timeout=60).status_code == 403
    )  # Of nobody: no transaction.
    s3.list_objects_v2(Bucket=name)  # C
    return name, SPAN.format(began.isoformat(), (began + timedelta(days=1)).isoformat())


def settled(console, path):
    """Open a report once the workers have written down what they counted."""

    def is_there():
        console.open(path)
        rows = ('tr[data-call="ListObjectsV2"]', 'tr[data-status="403"]')
        return all(console.page.locator(row).count() == 1 for row in rows)

    wait_until(is_there, "the counts are not written down")


def column_sum(console, chart, column):
    """The sum of a column of a chart's table, of the exact values."""
    cells = console.page.locator(f'[data-chart="{chart}"] tbody tr td:nth-of-type({column})')
    return sum(int(title.replace(",", "")) for title in cells.evaluate_all("cells => cells.map(cell => cell.title)"))


def test_t76_charts_and_their_tables_agree_with_what_was_done(console, done):
    name, span = done
    settled(console, f"/reports?{span}")
    assert (column_sum(console, "carried", 1), column_sum(console, "carried", 2)) == (DOWNLOADED, UPLOADED)
    assert [column_sum(console, "calls", column) for column in (1, 2, 3)] == [4, 2, 2]
    newest = console.page.locator('[data-chart="stored"] tbody tr').first
    assert newest.locator("td").evaluate_all("cells => cells.map(cell => cell.title)") == ["11,000", "2,000", "0"]
    console.page.locator('[data-chart="stored"] summary').click()
    expect(newest).to_contain_text("11.0 KB")
    assert console.page.locator('[data-chart="stored"] svg rect[class^=tone]').count() >= 2
    assert console.page.locator('[data-chart="carried"] svg path').count() == 2
    said = console.page.locator('[data-chart="carried"] svg').get_attribute("aria-label")
    assert "Downloaded at most 2.0 KB" in said
    assert "Uploaded at most 13.0 KB" in said
    row = console.page.locator(f'tr[data-bucket="{name}"]')
    for label, value in {
        "Downloaded": "2.0 KB",
        "Uploaded": "13.0 KB",
        "Class A": "4",
        "Class B": "2",
        "Class C": "1",
    }.items():
        expect(row.locator(f'[data-label="{label}"]')).to_have_text(value)
    expect(console.page.locator('tr[data-call="PutObject"] [data-label="Transactions"]')).to_have_text("4")


def test_requests_are_told_by_status_by_operation_and_by_key(console, done, owner):
    name, span = done
    settled(console, f"/reports?{span}")
    page = console.page
    succeeded = column_sum(console, "requests", 1)
    assert succeeded == sum(column_sum(console, "calls", column) for column in (1, 2, 3))
    assert [column_sum(console, "requests", column) for column in (2, 3, 4, 5)] == [0, 1, 0, 0]
    page.locator('[data-chart="requests"] summary').click()
    expect(page.locator('[data-chart="requests"] tbody tr').first).to_be_visible()
    expect(page.locator('tr[data-status="403"] td').last).to_have_text("1")
    expect(page.locator('tr[data-status="403"] td').first).to_have_text("Forbidden")
    call = page.locator('tr[data-call="GetObject"]')
    for label, value in {"Transactions": "2", "Succeeded": "2", "Client errors": "1", "Throttled": "0"}.items():
        expect(call.locator(f'[data-label="{label}"]')).to_have_text(value)
    key = page.locator(f'tr[data-key="{owner.key_id}"]')
    for label, value in {"Downloaded": "2.0 KB", "Uploaded": "13.0 KB", "Class A": "4", "Failed": "0"}.items():
        expect(key.locator(f'[data-label="{label}"]')).to_have_text(value)
    expect(page.locator('tr[data-key="Without a key"] [data-label="Failed"]')).to_have_text("1")
    page.locator(f'tr[data-bucket="{name}"] a').click()
    expect(call.locator('[data-label="Client errors"]')).to_have_text("1")
    expect(page.get_by_role("heading", name="By key")).to_have_count(0)


def test_t76_the_report_of_one_bucket_is_about_that_bucket(console, done):
    name, span = done
    settled(console, f"/reports?{span}")
    console.page.locator(f'tr[data-bucket="{name}"] a').click()
    expect(console.page.get_by_label("Bucket", exact=True)).to_have_value(name)
    assert [column_sum(console, "calls", column) for column in (1, 2, 3)] == [4, 2, 1]


def test_t76_the_files_say_the_same(console, done):
    name, span = done
    settled(console, f"/reports?{span}")
    request = console.page.request

    def table(word):
        answer = request.get(f"{console.server.console_url}/reports/usage.csv?table={word}&{span}")
        assert answer.headers["content-disposition"].startswith("attachment;")
        return list(csv.DictReader(io.StringIO(answer.text())))

    assert sum(int(row["uploaded_bytes"]) for row in table("days")) == UPLOADED
    assert [row["class_b"] for row in table("buckets") if row["bucket"] == name and row["class_b"] != "0"] == ["2"]
    [put] = [row for row in table("calls") if row["call"] == "PutObject"]
    assert (put["class"], put["transactions"], put["succeeded"], put["client_errors"]) == ("A", "4", "4", "0")
    assert [row["requests"] for row in table("statuses") if row["status"] == "403"] == ["1"]
    assert {row["bucket"] for row in table("operations") if row["call"] == "PutObject"} == {name}
    assert sum(int(row["downloaded_bytes"]) for row in table("keys") if row["key_id"]) == DOWNLOADED
    everything = json.loads(request.get(f"{console.server.console_url}/reports/usage.json?{span}").text())
    assert sum(day["downloaded_bytes"] for day in everything["days"]) == DOWNLOADED
    assert sum(row["requests"] for row in everything["statuses"]) == 9
    assert sum(row["transactions"] for row in everything["operations"] if row["call"] == "GetObject") == 2
    assert {row["class_a"] for row in everything["keys"] if row["key_id"]} == {4}


def test_a_range_is_one_click_away_and_what_is_none_is_said_beside_the_field(console):
    console.open("/reports")
    console.page.get_by_label("Range").get_by_role("link", name="90 days").click()
    expect(console.page.get_by_label("Range").get_by_role("link", name="90 days")).to_have_attribute(
        "aria-current", "true"
    )
    assert console.page.locator('[data-chart="calls"] svg rect.day').count() == 90
    console.open("/reports?from=2026-11-30&to=2026-11-01")
    expect(console.page.locator("#e-from")).to_contain_text("end before it begins")


def test_an_estimate_is_shown_where_there_are_prices(make_server, browser):
    server = make_server("--prices", "EUR,storage=6,class_a=10000").start()
    account = server.create_account("priced@example.com")
    s3 = boto3_client(server, key=(account["keyId"], account["applicationKey"]))
    s3.create_bucket(Bucket="priced-bucket")
    for _ in range(3):
        s3.put_object(Bucket="priced-bucket", Key="file", Body=b"x")
    console = console_of(server, browser)
    console.sign_in("priced@example.com")

    def is_estimated():
        console.open("/reports")
        return "3.00 EUR" in console.page.locator("dl.tiles").inner_text()

    wait_until(is_estimated, "no estimate is shown")
    expect(console.page.locator('tr[data-bucket="priced-bucket"] [data-label="Estimate"]')).to_have_text("3.00")
    key = console.page.locator(f'tr[data-key="{account["keyId"]}"]')
    expect(key.locator('[data-label="Estimate"]')).to_have_text("3.00")
    console.page.context.close()
