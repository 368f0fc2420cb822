"""`undercroft notifications`: what was delivered for a bucket's event notification rules, again if need be, and whether a target answers."""

from __future__ import annotations

from typing import Annotated

import typer

from undercroft import limits
from undercroft.catalog.deliveries import DeliveryRow
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON, AllowTargets, Blobs, Catalog, Config, Data, TargetCA
from undercroft.cli.output import day_and_time, print_fields, print_json, print_table
from undercroft.cli.session import settings_of, with_store
from undercroft.serve.exits import FAILED
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.work.past_events import Kept, Shown
from undercroft.store.work.sending import Outcome

app = typer.Typer(help="Event notifications of a bucket.", no_args_is_help=True, rich_markup_mode=None)
_ANSWER_SHOWN = 1000  # Characters.

Bucket = Annotated[str, typer.Argument(metavar="BUCKET", help="The bucket's name.")]
Rule = Annotated[str, typer.Argument(metavar="RULE", help="The rule's name.")]
Number = Annotated[int, typer.Option(metavar="NUMBER", help="The number of the delivery in the log.")]
_Entry = tuple[str, DeliveryRow, int]  # Of a rule, and how many of its events can be sent again.


@app.command()
@on_data
def log(
    settings: Settings,
    bucket: Bucket,
    rule: Annotated[str | None, typer.Option(metavar="RULE", help="Only this rule. [default: all]")] = None,
    json: JSON = False,
) -> None:
    """Show the latest deliveries of each rule, newest first."""

    async def work(store: Store) -> tuple[list[_Entry], dict[str, int]]:
        found = await store.buckets.find(name=bucket)
        principal = await store.identity.accounts.operator(found.account_id)
        names = [one.name for one in found.notification_rules] if rule is None else [rule]
        kept: dict[str, Kept] = {name: await store.past_events.kept(principal, found, name) for name in names}
        entries = [
            (name, entry, kept[name].of_entries.get(entry.number, 0))
            for name in names
            for entry in await store.work.deliveries.log(found, name)
        ]
        return entries, {name: one.given_up for name, one in kept.items() if one.given_up}

    entries, given_up = with_store(settings, work)
    if json:
        print_json(
            {"bucketName": bucket, "deliveries": [_as_json(*entry) for entry in entries], "givenUpEvents": given_up}
        )
        return
    print_table(
        [
            {
                "rule": name,
                "number": entry.number,
                "time": day_and_time(entry.at_ms),
                "what": entry.kind,
                "events": entry.events,
                "attempt": entry.attempt,
                "status": entry.status,
                "ms": entry.duration_ms,
                "again": kept,
                "error": entry.error,
            }
            for name, entry, kept in entries
        ],
        "Nothing was delivered yet.",
    )
    for name, count in given_up.items():
        print(f"{name}: {count:,} events were given up; `undercroft notifications replay {bucket} {name}` sends them.")


@app.command()
@on_data
def events(
    settings: Settings,
    bucket: Bucket,
    rule: Rule,
    delivery: Number,
    after: Annotated[
        int, typer.Option(metavar="EVENT", help="Only events after this one, by its number.", show_default=False)
    ] = 0,
    json: JSON = False,
) -> None:
    """Show the events of a delivery that can be sent again, a hundred at a time."""

    async def work(store: Store) -> list[Shown]:
        found = await store.buckets.find(name=bucket)
        principal = await store.identity.accounts.operator(found.account_id)
        return await store.past_events.of_entry(principal, found, rule, delivery, after)

    shown = with_store(settings, work)
    described: list[dict[str, object]] = [
        {
            "event": past.sequence,
            "time": past.event.at_ms if json else day_and_time(past.event.at_ms),
            "type": past.event.event_type,
            "name": past.event.name.decode(),
            "id": event_id,
        }
        for event_id, past in shown
    ]
    if json:
        print_json({"bucketName": bucket, "ruleName": rule, "delivery": delivery, "events": described})
    else:
        print_table(described, "No events of this delivery can be sent again.")


@app.command()
@on_data
def replay(
    settings: Settings,
    bucket: Bucket,
    rule: Rule,
    delivery: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Those of this delivery of the log. [default: all given up]")
    ] = None,
    event: Annotated[
        list[int] | None,
        typer.Option(
            metavar="EVENT",
            help=f"Only these events of the delivery, by their numbers; up to {limits.EVENTS_PAGE_MAX}. [default: all]",
        ),
    ] = None,
    json: JSON = False,
) -> None:
    """Send events again that were given up or delivered: the server does, after what waits already."""
    if event and delivery is None:
        raise typer.BadParameter("Events are chosen of a --delivery.")

    async def work(store: Store) -> int:
        found = await store.buckets.find(name=bucket)
        principal = await store.identity.accounts.operator(found.account_id)
        return await store.past_events.send_again(principal, found, rule, delivery, event or None)

    count = with_store(settings, work)
    if json:
        print_json({"bucketName": bucket, "ruleName": rule, "events": count})
    else:
        print_fields({"Waiting to be sent again": count})


@app.command("test")
def send_test_event(
    bucket: Bucket,
    rule: Rule,
    data: Data = None,
    catalog: Catalog = None,
    blobs: Blobs = None,
    allow_targets: AllowTargets = None,
    target_ca: TargetCA = None,
    config: Config = None,
    json: JSON = False,
) -> None:
    """Send a test event (b2:TestEvent) to a rule's target now, and show what it answers. Exits with 1 unless it takes it."""

    async def work(store: Store) -> Outcome:
        return await store.work.deliveries.test(await store.buckets.find(name=bucket), rule)

    settings = settings_of(data, catalog, blobs, config, allow_targets=allow_targets or None, target_ca=target_ca)
    outcome = with_store(settings, work)
    answer = outcome.body.decode("utf-8", "replace")[:_ANSWER_SHOWN]
    said = {
        "status": outcome.status,
        "durationMs": outcome.duration_ms,
        "error": outcome.error,
        "answer": answer,
    }
    if json:
        print_json({"bucketName": bucket, "ruleName": rule, "delivered": outcome.error is None, **said})
    else:
        print_fields({"Delivered": outcome.error is None, **{name.capitalize(): value for name, value in said.items()}})
    if outcome.error is not None:
        raise typer.Exit(FAILED)


def _as_json(name: str, entry: DeliveryRow, kept: int) -> dict[str, object]:
    return {
        "ruleName": name,
        "number": entry.number,
        "timestamp": entry.at_ms,
        "kind": entry.kind,
        "events": entry.events,
        "attempt": entry.attempt,
        "status": entry.status,
        "durationMs": entry.duration_ms,
        "eventsKept": kept,
        "error": entry.error,
    }
