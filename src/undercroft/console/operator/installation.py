"""How this installation was started: region, addresses and TLS, and the command line that starts it otherwise.

They are options of `undercroft serve`: the page says which option it is, with a line to paste. Some can be chosen in the console
as well (`addresses.py`), for the next start; the page says which were, and what they will be.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import NamedTuple

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.visit import Visit
from undercroft.settings import ENVIRONMENT_PREFIX, KEPT_OPTIONS, Settings, with_kept, without_kept


class Setting(NamedTuple):
    """Something that is decided when the server starts. `line` starts it otherwise, and `options` are what that takes."""

    title: str
    value: str
    note: str
    line: str
    options: tuple[str, ...]
    next: str = ""  # What it will be from the next start on, where that is something else.

    @property
    def variables(self) -> list[str]:
        """The same options as variables of the environment."""
        return [ENVIRONMENT_PREFIX + option.removeprefix("--").replace("-", "_").upper() for option in self.options]


async def show(visit: Visit) -> Response:
    """What was decided."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    return visit.render(
        "operator/installation.html",
        installation=_installation(visit, await administration.kept_settings.all_of()),
        can_choose=not visit.settings.given.issuperset(KEPT_OPTIONS),
    )


def _installation(visit: Visit, kept: Mapping[str, str]) -> list[Setting]:
    settings = visit.settings
    later = _later(settings, kept)
    hosts, hosts_later = (f"*.s3.{one.region}.{one.domain}" for one in (settings, later))
    has_tls = settings.tls_cert is not None
    return [
        Setting(
            _("Region"),
            settings.region,
            _(
                "S3 clients sign with its name. Choose it before clients are set up: those that have the old name are refused."
            ),
            _line(settings, "--region", "eu-central-001"),
            ("--region",),
            "" if later.region == settings.region else later.region,
        ),
        Setting(
            _("API and S3 endpoint"),
            visit.s3_endpoint,
            _(
                "It listens on %(address)s. Behind a proxy or a name of your own, clients are told the public URL.",
                address=settings.listen,
            ),
            _line(settings, "--listen", "0.0.0.0:8620", "--public-url", "https://storage.example.com"),
            ("--listen", "--public-url"),
            "" if later.public_url == settings.public_url else later.public_url or _("as clients ask"),
        ),
        Setting(
            _("Virtual hosts"),
            hosts,
            _("A bucket is also reached at a host of its own name, where the DNS has these names."),
            _line(settings, "--domain", "storage.example.com"),
            ("--domain",),
            "" if hosts_later == hosts else hosts_later,
        ),
        Setting(
            _("Console"),
            visit.own_origin,
            _("It listens on %(address)s.", address=settings.console_listen),
            _line(settings, "--console-listen", "0.0.0.0:8621", "--console-url", "https://console.example.com"),
            ("--console-listen", "--console-url"),
        ),
        Setting(
            "TLS",
            _("On") if has_tls else _("Off"),
            _("Both addresses speak HTTPS.") if has_tls else _without_tls(settings),
            _line(settings, "--tls-cert", "/etc/undercroft/fullchain.pem", "--tls-key", "/etc/undercroft/privkey.pem"),
            ("--tls-cert", "--tls-key"),
        ),
    ]


def _later(settings: Settings, kept: Mapping[str, str]) -> Settings:
    """The settings as they will be at the next start, if the server is started as it was."""
    return with_kept(without_kept(settings), kept)


def _without_tls(settings: Settings) -> str:
    if settings.listen.is_loopback and settings.console_listen.is_loopback:
        return _(
            "Only this machine reaches the addresses, so nobody is on the way. Before others do, give a certificate."
        )
    return _(
        "Whoever is on the way can read passwords, keys and files. Give a certificate, or put a proxy with TLS before it."
    )


def _line(settings: Settings, *options: str) -> str:
    return shlex.join(["undercroft", "serve", "--data", str(settings.data), *options])
