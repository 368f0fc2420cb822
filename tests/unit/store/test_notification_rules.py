"""Which notification rules a bucket may have, what they hear, and how they are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.asynchronous import asynchronous
from harness.notifications import ALL, SECRET, URL, Inbox, deliver, rule, set_rules, waiting
from harness.stores import open_bench
from undercroft.store.buckets.notification_rules import EVENT_TYPES, Header, Target, all_types, check_rules
from undercroft.store.errors import (
    EventTypeInvalid,
    EventTypeOverlap,
    EventTypesEmpty,
    EventTypesMixed,
    InvalidRequest,
    NoSuchBucket,
    StoreError,
    Unauthorized,
)
from undercroft.store.files.happenings import Happening
from undercroft.store.identity.principals import Principal
from undercroft.store.model import NotificationRule


def target(url: str = URL, **changes: object) -> dict[str, Target]:
    return {"target": Target(url, **changes)}


def headers(*pairs: tuple[str, str]) -> dict[str, Target]:
    return target(custom_headers=tuple(Header(*pair) for pair in pairs))


def many(count: int) -> list:
    return [rule(f"rule-{number:02}", object_name_prefix=f"{number:02}/") for number in range(count)]


@pytest.mark.parametrize(
    "rules",
    [
        [],
        many(25),
        [rule("six-66")],
        [rule("n" * 63)],
        [rule(object_name_prefix="\N{SNOWMAN}" * 341)],
        [rule(max_events_per_batch=50)],
        [rule(**target("https://example.com"))],
        [rule(**target("https://example.com:8443/a/b?c=d%20e"))],
        [rule(**target("https://[2606:4700::1111]/"))],
        [rule(**target("https://e.com/" + "x" * 2034))],
        [rule(**target(signing_secret=SECRET))],
        [rule(**headers(*((f"h{number}", "v") for number in range(10))))],
        [rule(**headers(("h", "v" * 2044)))],
        [rule(**headers(("User-Agent", "mine"), ("Authorization", "Bearer x y")))],
        [rule(**headers(("h", "\N{SNOWMAN}")))],
        [rule(event_types=("b2:MultipartUploadCreated:LiveRead",))],
        [rule("rule-a", object_name_prefix="a"), rule("rule-b", object_name_prefix="b")],
        [
            rule("rule-a", event_types=("b2:ObjectCreated:Upload",)),
            rule("rule-b", event_types=("b2:ObjectCreated:Copy",)),
        ],
    ],
)
def test_rules_within_the_limits_are_taken(rules):
    check_rules(rules)


@pytest.mark.parametrize(
    ("rules", "error"),
    [
        (many(26), InvalidRequest),
        ([rule("five5")], InvalidRequest),
        ([rule("n" * 64)], InvalidRequest),
        ([rule("b2-mine")], InvalidRequest),
        ([rule("under_score")], InvalidRequest),
        ([rule("new-line\n")], InvalidRequest),
        ([rule(object_name_prefix="a"), rule(object_name_prefix="b")], InvalidRequest),  # Of one name.
        ([rule(object_name_prefix="\N{SNOWMAN}" * 342)], InvalidRequest),
        ([rule(max_events_per_batch=0)], InvalidRequest),
        ([rule(max_events_per_batch=51)], InvalidRequest),
        ([rule(event_types=())], EventTypesEmpty),
        ([rule(event_types=("b2:TestEvent",))], EventTypeInvalid),
        ([rule(event_types=("b2:ObjectHidden:*",))], EventTypeInvalid),
        ([rule(event_types=("b2:*",))], EventTypesMixed),
        ([rule(event_types=("b2:ObjectCreated:*", "b2:ObjectCreated:Copy"))], EventTypeOverlap),
        ([rule(event_types=("b2:ObjectCreated:Copy", "b2:ObjectCreated:Copy"))], EventTypeOverlap),
        ([rule("rule-a"), rule("rule-b")], InvalidRequest),
        ([rule("rule-a", object_name_prefix="a"), rule("rule-b", object_name_prefix="a/b")], InvalidRequest),
        ([rule("rule-a"), rule("rule-b", is_enabled=False)], InvalidRequest),
        ([rule(**target("http://example.com/"))], InvalidRequest),
        ([rule(**target("https://"))], InvalidRequest),
        ([rule(**target("https:///path"))], InvalidRequest),
        ([rule(**target("https://user:word@example.com/"))], InvalidRequest),
        ([rule(**target("https://example.com:0/"))], InvalidRequest),
        ([rule(**target("https://example.com:99999/"))], InvalidRequest),
        ([rule(**target("https://example.com/#here"))], InvalidRequest),
        ([rule(**target("https://example.com/a b"))], InvalidRequest),
        ([rule(**target("https://example.com/\r\nx: y"))], InvalidRequest),
        ([rule(**target("https://ex\N{SNOWMAN}mple.com/"))], InvalidRequest),
        ([rule(**target("https://[::1/"))], InvalidRequest),
        ([rule(**target("https://[2606:4700::1111%25eth0]/"))], InvalidRequest),
        ([rule(**target("https://[::ffff:1.1.1.1%a..b]:8443/"))], InvalidRequest),
        ([rule(**target("https://ex%61mple.com/"))], InvalidRequest),
        ([rule(**target("https://e.com/" + "x" * 2035))], InvalidRequest),
        ([rule(**target(signing_secret=SECRET[1:]))], InvalidRequest),
        ([rule(**target(signing_secret=SECRET + "0"))], InvalidRequest),
        ([rule(**target(signing_secret="-" + SECRET[1:]))], InvalidRequest),
        ([rule(**headers(*((f"h{number}", "v") for number in range(11))))], InvalidRequest),
        ([rule(**headers(("h", "v" * 2045)))], InvalidRequest),
        ([rule(**headers(("h", "\N{SNOWMAN}" * 682)))], InvalidRequest),
        ([rule(**headers(("Same", "1"), ("same", "2")))], InvalidRequest),
        ([rule(**headers(("X-Bz-Mine", "1")))], InvalidRequest),
        ([rule(**headers(("x-bZ-mine", "1")))], InvalidRequest),
        ([rule(**headers(("Host", "internal")))], InvalidRequest),
        ([rule(**headers(("Content-Length", "0")))], InvalidRequest),
        ([rule(**headers(("Transfer-Encoding", "chunked")))], InvalidRequest),
        ([rule(**headers(("", "v")))], InvalidRequest),
        ([rule(**headers(("a b", "v")))], InvalidRequest),
        ([rule(**headers(("h", "v\r\nHost: internal")))], InvalidRequest),
        ([rule(**headers(("h", "v\n")))], InvalidRequest),
    ],
)
def test_rules_outside_the_limits_are_refused(rules, error):
    with pytest.raises(StoreError) as raised:
        check_rules(rules)
    assert type(raised.value) is error


# -- Matching ---------------------------------------------------------------------------------------------------------
TYPES = st.lists(st.sampled_from(sorted(EVENT_TYPES)), min_size=1, max_size=4, unique=True)
PREFIXES = st.text("ab", max_size=3)


@given(st.lists(st.tuples(PREFIXES, TYPES), max_size=4), st.sampled_from(Happening), st.text("ab", max_size=5))
def test_of_rules_that_are_taken_at_most_one_hears_of_an_event(wanted, happening, name):
    rules = [
        rule(f"rule-{number}", object_name_prefix=prefix, event_types=tuple(types))
        for number, (prefix, types) in enumerate(wanted)
    ]
    try:
        check_rules(rules)
    except StoreError:
        return
    kept = [NotificationRule("", one.name, one.event_types, True, one.object_name_prefix, 1, b"") for one in rules]
    hearing = [one.name for one in kept if one.hears(happening.value, name.encode())]
    assert len(hearing) <= 1
    assert hearing == [
        one.name
        for one in rules
        if name.startswith(one.object_name_prefix) and happening.value in all_types(one.event_types)
    ]


@given(st.lists(st.tuples(PREFIXES, TYPES), min_size=2, max_size=2))
def test_two_rules_are_refused_exactly_where_some_file_would_tell_both(wanted):
    rules = [
        rule(f"rule-{number}", object_name_prefix=prefix, event_types=tuple(types))
        for number, (prefix, types) in enumerate(wanted)
    ]
    for one in rules:
        try:
            check_rules([one])
        except EventTypeOverlap:
            return
    names = [prefix for prefix, _ in wanted]
    both = any(all(name.startswith(prefix) for prefix, _ in wanted) for name in names) and all_types(
        rules[0].event_types
    ) & all_types(rules[1].event_types)
    try:
        check_rules(rules)
    except InvalidRequest:
        assert both
    else:
        assert not both


def test_a_rule_that_is_off_hears_nothing():
    off = NotificationRule("", "the-rule", ALL, False, "", 1, b"")
    assert not off.hears(Happening.UPLOAD.value, b"a")


# -- Keeping ----------------------------------------------------------------------------------------------------------
@asynchronous
async def test_rules_come_back_as_they_were_set_with_their_secrets(tmp_path):
    async with open_bench(tmp_path) as bench:
        whole = Target(URL, (Header("a", "b"),), SECRET, 7)
        rules = [rule("rule-b", object_name_prefix="b", target=whole), rule("rule-a", object_name_prefix="a")]
        rules.append(rule("rule-c", object_name_prefix="c", **target(custom_headers=())))
        assert await set_rules(bench, *rules) == rules
        assert await bench.store.notifications.rules(bench.principal, bench.bucket.bucket_id) == rules
        assert await set_rules(bench) == []


@asynchronous
async def test_p8_neither_secret_nor_address_nor_headers_of_a_rule_are_in_the_catalog_or_in_texts(tmp_path):
    async with open_bench(tmp_path) as bench:
        secretive = Target("https://hooks.example.com/T0KEN", (Header("Authorization", "W0RD"),), SECRET)
        (answered,) = await set_rules(bench, rule(target=secretive))
        assert SECRET not in repr(answered) + str(answered)
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("catalog.db*"))
    for word in (b"T0KEN", b"W0RD", SECRET.encode()):
        assert word not in raw


@asynchronous
async def test_rules_take_their_own_capabilities_and_their_own_account(tmp_path):
    async with open_bench(tmp_path) as bench:
        keys, bucket_id = bench.store.identity.keys, bench.bucket.bucket_id
        reader = Principal.of_key(await keys.create(bench.principal, "reader", ["readBucketNotifications"]))
        assert await bench.store.notifications.rules(reader, bucket_id) == []
        with pytest.raises(Unauthorized) as refused:
            await bench.store.notifications.set_rules(reader, bucket_id, [])
        assert refused.value.missing == "writeBucketNotifications"
        other = await bench.store.identity.accounts.create("other@example.com", "a long password")
        for call in (
            bench.store.notifications.rules(Principal.of_key(other.key), bucket_id),
            bench.store.notifications.set_rules(Principal.of_key(other.key), bucket_id, []),
        ):
            with pytest.raises(Unauthorized):
                await call
        with pytest.raises(NoSuchBucket):
            await bench.store.notifications.rules(bench.principal, "0" * 24)


@asynchronous
async def test_a_refused_set_of_rules_changes_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        before = await set_rules(bench, rule())
        with pytest.raises(InvalidRequest):
            await set_rules(bench, rule(), rule("another"))
        assert await bench.store.notifications.rules(bench.principal, bench.bucket.bucket_id) == before


@asynchronous
async def test_a_rule_that_is_gone_takes_what_waits_for_it_along_and_one_that_stays_keeps_it(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        kept, gone = rule("kept-rule", object_name_prefix="k"), rule("gone-rule", object_name_prefix="g")
        await set_rules(bench, kept, gone)
        await bench.put("kept")
        await bench.put("gone")
        await set_rules(bench, kept)
        await set_rules(bench, kept, gone)  # Of the same name, but another one.
        assert [event.name for event in await waiting(bench)] == [b"kept"]
        await bench.put("gone-2")
        await deliver(bench)
        assert {name for _, name in inbox.heard} == {"kept", "gone-2"}


@asynchronous
async def test_a_rule_that_is_off_records_nothing_and_keeps_what_waited_until_it_is_on_again(tmp_path):
    inbox = Inbox()
    async with open_bench(tmp_path, visit=inbox) as bench:
        await set_rules(bench, rule())
        await bench.put("before")
        await set_rules(bench, rule(is_enabled=False))
        await bench.put("meanwhile")
        assert not await bench.store.work.deliveries.is_wanted()
        await deliver(bench)
        assert inbox.heard == []
        await set_rules(bench, rule())
        await deliver(bench)
        assert inbox.heard == [("ObjectCreated:Upload", "before")]


@asynchronous
async def test_a_bucket_that_is_deleted_leaves_nothing_of_its_rules_once_its_last_events_are_told(tmp_path):
    async with open_bench(tmp_path, visit=Inbox()) as bench:
        await set_rules(bench, rule())
        made = await bench.put("a")
        await deliver(bench)
        await bench.store.files.delete_version(bench.principal, bench.bucket, "a", str(made.file_id))
        await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
        await deliver(bench)
        assert not await bench.store.work.deliveries.is_wanted()
        for table in ("notification_queues", "outbox", "deliveries", "bucket_documents", "orphaned_rules"):
            assert await bench.catalog.rows.all(f"SELECT * FROM {table}") == []
