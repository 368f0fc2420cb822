"""`undercroft notifications`: what was delivered for a bucket's event notification rules, and whether a target answers."""

from __future__ import annotations

from typing import Annotated

import typer

from undercroft.catalog.deliveries import DeliveryRow
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON, AllowTargets, Blobs, Catalog, Config, Data, TargetCA
from undercroft.cli.output import day_and_time, print_fields, print_json, print_table
from undercroft.cli.session import settings_of, with_store
from undercroft.serve.exits import FAILED
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.work.sending import Outcome

app = typer.Typer(help="Event notifications of a bucket.", no_args_is_help=True, rich_markup_mode=None)
_ANSWER_SHOWN = 1000  # Characters.

Bucket = Annotated[str, typer.Argument(metavar="BUCKET", help="The bucket's name.")]


@app.command()
@on_data
def log(
    settings: Settings,
    bucket: Bucket,
    rule: Annotated[str | None, typer.Option(metavar="RULE", help="Only this rule. [default: all]")] = None,
    json: JSON = False,
) -> None:
    """Show the latest deliveries of each rule, newest first."""

    async def work(store: Store) -> list[tuple[str, DeliveryRow]]:
        found = await store.buckets.find(name=bucket)
        names = [one.name for one in found.notification_rules] if rule is None else [rule]
        return [(name, entry) for name in names for entry in await store.work.deliveries.log(found, name)]

    entries = with_store(settings, work)
    if json:
        print_json({"bucketName": bucket, "deliveries": [_as_json(name, entry) for name, entry in entries]})
        return
    print_table(
        [
            {
                "rule": name,
                "time": day_and_time(entry.at_ms),
                "what": entry.kind,
                "events": entry.events,
                "attempt": entry.attempt,
                "status": entry.status,
                "ms": entry.duration_ms,
                "error": entry.error,
            }
            for name, entry in entries
        ],
        "Nothing was delivered yet.",
    )


@app.command("test")
def send_test_event(
    bucket: Bucket,
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's name.")],
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


def _as_json(name: str, entry: DeliveryRow) -> dict[str, object]:
    return {
        "ruleName": name,
        "timestamp": entry.at_ms,
        "kind": entry.kind,
        "events": entry.events,
        "attempt": entry.attempt,
        "status": entry.status,
        "durationMs": entry.duration_ms,
        "error": entry.error,
    }
