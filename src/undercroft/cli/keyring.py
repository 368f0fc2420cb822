"""`undercroft keyring`: the master key, under which every stored secret is encrypted."""

from __future__ import annotations

import typer

from undercroft.cli.options import JSON, Blobs, Catalog, Config, Data
from undercroft.cli.output import print_fields, print_json
from undercroft.cli.session import settings_of, with_store
from undercroft.store import Store
from undercroft.store.work.rotation import Rotated

app = typer.Typer(help="The master key, under which every stored secret is encrypted.", no_args_is_help=True)


@app.command()
def show(
    data: Data = None, catalog: Catalog = None, blobs: Blobs = None, config: Config = None, json: JSON = False
) -> None:
    """Show which master key the data is under: never the key itself."""

    async def work(store: Store) -> list[str]:
        return store.work.rotation.key_ids

    current, *older = with_store(settings_of(data, catalog, blobs, config), work)
    if json:
        print_json({"keyId": current, "olderKeyIds": older})
        return
    print_fields({"Key": current, "Being changed": bool(older)})


@app.command()
def rotate(
    data: Data = None, catalog: Catalog = None, blobs: Blobs = None, config: Config = None, json: JSON = False
) -> None:
    """Change the master key, whether the server runs or not. A change that was cut off is gone on with.

    Backups made before need the key that they were made under: keep it as long as you keep them.
    """

    async def work(store: Store) -> tuple[str, Rotated]:
        rotated = await store.work.rotation.run()
        return store.work.rotation.key_ids[0], rotated

    current, rotated = with_store(settings_of(data, catalog, blobs, config), work)
    if json:
        print_json(
            {
                "keyId": current,
                "signingKeys": rotated.signing_keys,
                "applicationKeys": rotated.application_keys,
                "dataKeys": rotated.data_keys,
                "notificationTargets": rotated.targets,
                "replicationTargets": rotated.replication_targets,
                "secondFactors": rotated.second_factors,
                "alertWebhooks": rotated.alert_webhooks,
            }
        )
        return
    print_fields(
        {
            "Key": current,
            "Signing keys": rotated.signing_keys,
            "Application keys": rotated.application_keys,
            "Data keys": rotated.data_keys,
            "Notification targets": rotated.targets,
            "Replication targets": rotated.replication_targets,
            "Second factors": rotated.second_factors,
            "Alert webhooks": rotated.alert_webhooks,
        }
    )
