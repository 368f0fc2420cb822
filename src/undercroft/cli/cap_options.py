"""Caps as options of commands give them."""

from __future__ import annotations

import typer

from undercroft import limits

NONE = "none"


def cap_of(text: str) -> int | None:
    """A cap as given on the command line."""
    if text.lower() == NONE:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(limits.CAP_MAX)):
        raise typer.BadParameter(f"a whole number, or '{NONE}'")
    return int(text)


def cap_option(what: str) -> typer.models.OptionInfo:
    """An option that sets a cap, or lifts it."""
    option: typer.models.OptionInfo = typer.Option(metavar="N|none", help=what, show_default=False)
    return option


def part_of(used: int | None, cap: int | None) -> str | None:
    """How much of a cap is used, in percent; None without one."""
    if used is None or cap is None:
        return None
    return f"{used * 100 // cap} %" if cap else "100 %"
