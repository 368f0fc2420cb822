"""What a process counts between two flushes, and what it lets pass of caps."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stores import SetClock
from undercroft.catalog.accounting import SpentRow
from undercroft.store.accounting.meter import Meter
from undercroft.store.accounting.model import DAY_MS, Caps, Refusal, outcome_of
from undercroft.store.errors import DownloadCapExceeded, TransactionCapExceeded

NOTHING = SpentRow(0, 0, 0)
ANNA, BERT = "a" * 12, "b" * 12
KEYS = ("key 1", "key 2", "")
CALLS = {"hide": "A", "download": "B", "info": "B", "list": "C"}


def a_meter(caps=None, spent=NOTHING):
    clock = SetClock()
    meter = Meter(clock)
    if caps is not None:
        meter.learn({ANNA: caps}, clock.ms // DAY_MS, {ANNA: spent})
    return meter, clock


def charged(meter, call, transactions=1, account=ANNA):
    """Whether the meter let the call pass."""
    try:
        meter.charge(account, call, CALLS[call], transactions)
    except TransactionCapExceeded:
        return False
    return True


def test_a_class_ends_exactly_at_its_cap_and_touches_no_other():
    meter, _ = a_meter(Caps(class_b=3), SpentRow(0, 1, 50))
    assert [charged(meter, call) for call in ("download", "info", "download")] == [True, True, False]
    assert all(charged(meter, call) for call in ("list", "hide"))
    assert charged(meter, "download", account=BERT)


def test_what_counts_several_times_passes_whole_or_not_at_all():
    meter, _ = a_meter(Caps(class_c=10))
    assert charged(meter, "list", 4)
    assert not charged(meter, "list", 7)
    assert charged(meter, "list", 6)
    assert {row.transactions for row in meter.take().calls} == {10}


def test_class_a_has_no_cap():
    meter, _ = a_meter(Caps(0, 0, 0, 0))
    assert charged(meter, "hide")
    assert not charged(meter, "download")
    assert not charged(meter, "list")


def test_downloads_end_exactly_at_their_cap_and_bytes_that_stayed_can_be_had_again():
    meter, _ = a_meter(Caps(download=100), SpentRow(40, 0, 0))
    day = meter.downloads(ANNA, 60)
    with pytest.raises(DownloadCapExceeded):
        meter.downloads(ANNA, 1)
    meter.kept_back(ANNA, 25, day)
    meter.downloads(ANNA, 25)
    with pytest.raises(DownloadCapExceeded):
        meter.downloads(ANNA, 1)
    assert [row.downloaded for row in meter.take().transfers] == [60]
    assert meter.take_refused() == {Refusal(ANNA, "download")}
    assert meter.take_refused() == set()


def test_what_was_taken_to_be_written_down_stays_off_what_is_left():
    meter, clock = a_meter(Caps(class_b=3))
    assert charged(meter, "download", 2)
    meter.take()
    assert charged(meter, "download")
    assert not charged(meter, "download")
    meter.learn({ANNA: Caps(class_b=3)}, clock.ms // DAY_MS, {ANNA: SpentRow(0, 2, 0)})
    assert not charged(meter, "download"), "what is not written down yet counts too"


def test_others_are_taken_off_as_soon_as_they_are_known():
    meter, clock = a_meter(Caps(class_b=10))
    assert charged(meter, "download", 2)
    meter.learn({ANNA: Caps(class_b=10)}, clock.ms // DAY_MS, {ANNA: SpentRow(0, 7, 0)})
    assert charged(meter, "download")
    assert not charged(meter, "download")


def test_a_cap_that_is_lifted_holds_nobody_up():
    meter, clock = a_meter(Caps(class_b=0))
    assert not charged(meter, "download")
    meter.learn({}, clock.ms // DAY_MS, {})
    assert charged(meter, "download")


def test_a_day_begins_at_midnight_utc_with_all_of_its_caps():
    meter, clock = a_meter(Caps(class_b=1, download=10))
    clock.ms = (clock.ms // DAY_MS + 1) * DAY_MS - 1
    day = meter.downloads(ANNA, 10)
    assert [charged(meter, "download") for _ in range(2)] == [True, False]
    clock.ms += 1
    assert meter.downloads(ANNA, 5) == day + 1
    assert [charged(meter, "download") for _ in range(2)] == [True, False]
    meter.kept_back(ANNA, 4, day)  # It began before midnight.
    batch = meter.take()
    assert Counter({row.day: row.transactions for row in batch.calls}) == {day: 1, day + 1: 1}
    carried = Counter()
    for row in batch.transfers:
        carried[row.day] += row.downloaded
    assert carried == {day: 6, day + 1: 5}


def test_a_clock_that_is_set_back_over_midnight_loses_no_count():
    meter, clock = a_meter()
    clock.ms = (clock.ms // DAY_MS + 1) * DAY_MS
    today = clock.ms // DAY_MS
    assert charged(meter, "list")
    clock.ms -= 1
    assert charged(meter, "list")
    clock.ms += 1
    assert charged(meter, "list")
    counted = Counter()
    for row in meter.take().calls:
        counted[row.day] += row.transactions
    assert counted == {today - 1: 1, today: 2}


def test_a_request_counts_once_by_its_status_whether_it_was_charged_or_not():
    meter, _ = a_meter(Caps(class_b=1))
    counted = meter.charge(ANNA, "list", "C", 10, "bucket", "key")
    meter.answered(counted, 200)
    assert charged(meter, "download")
    assert not charged(meter, "download")
    meter.answered((ANNA, "B", "download", "bucket", "key"), 403)
    batch = meter.take()
    assert {(row.call, row.status, row.requests) for row in batch.statuses} == {("list", 200, 1), ("download", 403, 1)}
    assert {row.call: (row.transactions, row.succeeded, row.client_errors) for row in batch.bucket_calls} == {
        "list": (10, 1, 0), "download": (0, 0, 1),
    }  # fmt: skip
    [row] = [row for row in batch.keys if row.key_id == "key"]
    assert (row.class_b, row.class_c, row.succeeded, row.client_errors) == (0, 10, 1, 1)
    assert [row.transactions for row in batch.calls if row.call == "download"] == [1], (
        "what is refused is no transaction"
    )


@pytest.mark.parametrize(
    ("status", "place"),
    [(200, 0), (206, 0), (299, 0), (304, 1), (399, 1), (400, 2), (404, 2), (428, 2), (429, 3), (499, 2), (500, 4),
     (502, 4), (503, 3), (504, 4)],
)  # fmt: skip
def test_what_became_of_a_request_is_told_by_its_status(status, place):
    assert outcome_of(status) == place


steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("charge"),
            st.sampled_from((ANNA, BERT)),
            st.sampled_from(sorted(CALLS)),
            st.integers(1, 12),
            st.sampled_from(KEYS),
            st.sampled_from((200, 304, 404, 503, 500)),
        ),
        st.tuples(st.just("refuse"), st.sampled_from((ANNA, BERT)), st.sampled_from(KEYS)),
        st.tuples(st.just("download"), st.sampled_from((ANNA, BERT)), st.integers(0, 2000), st.sampled_from(KEYS)),
        st.tuples(st.just("upload"), st.sampled_from((ANNA, BERT)), st.integers(0, 2000), st.sampled_from(KEYS)),
        st.tuples(st.just("flush"), st.booleans()),
        st.tuples(st.just("pass time"), st.sampled_from((1, DAY_MS // 3, DAY_MS))),
    ),
    max_size=60,
)


def note(batch, written):
    """Add up what is written down."""
    # However often it failed before, a count is one row.
    assert len({row[:4] for row in batch.calls}) == len(batch.calls)
    assert len({row[:2] for row in batch.transfers}) == len(batch.transfers)
    assert len({row[:3] for row in batch.buckets}) == len(batch.buckets)
    assert len({row[:5] for row in batch.statuses}) == len(batch.statuses)
    assert len({row[:5] for row in batch.bucket_calls}) == len(batch.bucket_calls)
    assert len({row[:3] for row in batch.keys}) == len(batch.keys)
    for row in batch.statuses:
        written[row.account_id, row.day, row.call, row.status] += row.requests
    for row in batch.bucket_calls:
        written["in buckets", row.day] += row.transactions
        written["requests in buckets", row.day] += sum(row[6:])
    for row in batch.keys:
        written[row.account_id, row.key_id, row.day] += sum(row[3:])
    for row in batch.buckets:
        written[row.bucket_id, row.day] += sum(row[3:])
    for row in batch.calls:
        assert row.transaction_class == CALLS[row.call]
        written[row.account_id, row.day, row.call] += row.transactions
    for row in batch.transfers:
        written[row.account_id, row.day, "down"] += row.downloaded
        written[row.account_id, row.day, "up"] += row.uploaded


@given(steps=steps)
def test_counted_is_what_was_asked_whatever_fails_to_be_written_down(steps):
    meter, clock = a_meter()
    asked, written = Counter(), Counter()

    for step in [*steps, ("flush", True)]:
        day = clock.ms // DAY_MS
        match step:
            case ("charge", account, call, transactions, key, status):
                counted = meter.charge(account, call, CALLS[call], transactions, f"{account} {call}", key)
                meter.answered(counted, status)
                asked[account, day, call, status] += 1
                asked["in buckets", day] += transactions
                asked["requests in buckets", day] += 1
                asked[account, key, day] += transactions + 1
                asked[account, day, call] += transactions
                asked[f"{account} {call}", day] += transactions
            case ("refuse", account, key):
                meter.answered((account, "", "", "", key), 403)
                asked[account, day, "", 403] += 1
                asked[account, key, day] += 1
            case ("download", account, size, key):
                meter.downloads(account, size, f"{account} of files", key)
                asked[account, key, day] += size
                asked[account, day, "down"] += size
                asked[f"{account} of files", day] += size
            case ("upload", account, size, key):
                meter.uploaded(account, size, f"{account} of files", key)
                asked[account, key, day] += size
                asked[account, day, "up"] += size
                asked[f"{account} of files", day] += size
            case ("flush", succeeds):
                batch = meter.take()
                if succeeds:
                    note(batch, written)
                else:
                    meter.put_back(batch)
            case ("pass time", by_ms):
                clock.ms += by_ms
    assert +written == +asked
