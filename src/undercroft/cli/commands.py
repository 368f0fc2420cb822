"""The tree of commands and the options that several of them share."""

from __future__ import annotations

from typing import Annotated

import typer

from undercroft import __version__
from undercroft.cli import (
    account,
    alert_recipients,
    bucket,
    caps,
    group,
    jobs,
    key,
    keyring,
    lifecycle,
    notifications,
    replication,
    usage,
)
from undercroft.cli.options import JSON, AllowTargets, Blobs, Catalog, Config, Data, TargetCA
from undercroft.settings import load

app = typer.Typer(
    help="Object storage that speaks the B2 Native API and the S3-Compatible API.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(account.app, name="account")
app.add_typer(key.app, name="key")
app.add_typer(bucket.app, name="bucket")
app.add_typer(group.app, name="group")
app.add_typer(replication.app, name="replication")
app.add_typer(keyring.app, name="keyring")
app.command("lifecycle")(lifecycle.lifecycle)
app.command("rewind")(jobs.rewind)
app.add_typer(jobs.app, name="jobs")
app.add_typer(notifications.app, name="notifications")
app.command("usage")(usage.usage)
account.app.command("caps")(caps.caps)
account.app.command("alerts")(caps.alerts)
account.app.command("alert-recipients")(alert_recipients.alert_recipients)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"undercroft {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def serve(
    data: Data = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where the API listens. [default: 127.0.0.1:8620]")
    ] = None,
    console_listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where the console listens. [default: 127.0.0.1:8621]")
    ] = None,
    workers: Annotated[str | None, typer.Option(metavar="N", help="API processes. [default: one a core]")] = None,
    domain: Annotated[
        str | None, typer.Option(help="Buckets are also reached as BUCKET.s3.REGION.DOMAIN. [default: localhost]")
    ] = None,
    region: Annotated[str | None, typer.Option(help="The region's name. [default: us-west-000]")] = None,
    public_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The API's URL as clients see it. [default: as they asked]")
    ] = None,
    console_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The console's URL as browsers see it.")
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR", help="A proxy whose X-Forwarded headers count. May be given several times."),
    ] = None,
    catalog: Catalog = None,
    blobs: Blobs = None,
    tls_cert: Annotated[str | None, typer.Option(metavar="FILE", help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[str | None, typer.Option(metavar="FILE", help="Its private key, PEM.")] = None,
    test_hooks: Annotated[
        bool | None, typer.Option("--test-hooks", help="Fail requests that ask for it (docs/testing-b2-code.md).")
    ] = None,
    test_chance: Annotated[
        str | None, typer.Option(metavar="MODES", help="Fail requests by chance, such as 'fail_some_uploads 1/20'.")
    ] = None,
    test_seed: Annotated[str | None, typer.Option(metavar="N", help="What decides that chance. [default: 0]")] = None,
    lifecycle_interval: Annotated[
        str | None, typer.Option(metavar="TIME", help="How often lifecycle rules are carried out. [default: 24h]")
    ] = None,
    lifecycle_hour: Annotated[
        str | None, typer.Option(metavar="HOUR", help="The hour, in UTC, when a day's first run begins. [default: 0]")
    ] = None,
    allow_targets: AllowTargets = None,
    target_ca: TargetCA = None,
    default_encryption: Annotated[
        str | None,
        typer.Option(
            metavar="MODE", help="Of files in buckets that were never told one: SSE-B2 or none. [default: SSE-B2]"
        ),
    ] = None,
    prices: Annotated[
        str | None,
        typer.Option(
            metavar="PRICES",
            help="For the console's estimate of cost, per TB-month, GB and 10,000 calls, such as"
            " USD,storage=6,download=0.01,class_b=0.004,class_c=0.04. [default: none]",
        ),
    ] = None,
    sign_up: Annotated[
        str | None,
        typer.Option(
            metavar="WHO", help="Who may make accounts in the console: open, invitation or closed. [default: closed]"
        ),
    ] = None,
    terms: Annotated[
        str | None, typer.Option(metavar="FILE", help="The terms that people accept when they enable B2, as text.")
    ] = None,
    session_idle: Annotated[
        str | None, typer.Option(metavar="TIME", help="Unused sessions of the console end after this. [default: 12h]")
    ] = None,
    smtp_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where mail is handed over: smtp://HOST[:PORT] or smtps://...")
    ] = None,
    mail_from: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Whom mail is from.")] = None,
    config: Config = None,
    json: JSON = False,
) -> None:
    """Serve the API and the console until stopped.

    Every option also has a variable (UNDERCROFT_LISTEN, ...) and a key in the TOML file of --config.
    The first start makes an account and prints its credentials, once.
    """
    settings = load(
        {
            "data": data, "listen": listen, "console_listen": console_listen, "workers": workers, "domain": domain,
            "region": region, "public_url": public_url, "console_url": console_url, "trusted_proxy": trusted_proxy or None,
            "catalog": catalog, "blobs": blobs, "tls_cert": tls_cert, "tls_key": tls_key, "config": config,
            "test_hooks": test_hooks, "test_chance": test_chance, "test_seed": test_seed,
            "lifecycle_interval": lifecycle_interval, "lifecycle_hour": lifecycle_hour,
            "allow_targets": allow_targets or None, "target_ca": target_ca,
            "default_encryption": default_encryption, "prices": prices, "sign_up": sign_up, "terms": terms, "session_idle": session_idle,
            "smtp_url": smtp_url, "mail_from": mail_from,
        }
    )  # fmt: skip
    from undercroft.serve.run import serve as run

    raise typer.Exit(run(settings, as_json=json))
