"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Data = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="The data directory. [default: undercroft in the user's data directory]"),
]
Catalog = Annotated[
    str | None, typer.Option(metavar="URL", help="[default: sqlite:// catalog.db in the data directory]")
]
Blobs = Annotated[str | None, typer.Option(metavar="URL", help="[default: local:// blobs in the data directory]")]
Config = Annotated[str | None, typer.Option(metavar="FILE", help="A TOML file with options.")]
JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]
AllowTargets = Annotated[
    list[str] | None,
    typer.Option(metavar="CIDR", help="A private network that webhooks may reach. May be given several times."),
]
TargetCA = Annotated[
    str | None, typer.Option(metavar="FILE", help="Further authorities for the certificates of webhooks, PEM.")
]
