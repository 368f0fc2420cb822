"""The templates' environment: they stand beside the handlers of their section, and escape whatever they show."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from undercroft.console import nouns
from undercroft.console.languages import Language, _, in_order, ngettext
from undercroft.console.languages.in_templates import TranslatedEnvironment
from undercroft.console.languages.scripts import address_of

_FOLDER = Path(__file__).parent
_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB", "EB")
_STEPS = ((60, "minute"), (60, "hour"), (24, "day"), (30, "month"), (12, "year"))


def environment(assets_version: str, language: Language) -> Environment:
    """The environment of a language; `assets_version` is that of the files under `/static/`."""
    made = TranslatedEnvironment(
        language,
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"size": size, "moment": moment, "utc": utc, "count": count, "path": in_path, "words": address_of}
    made.globals["left"] = left
    made.globals["asset"] = lambda path: f"/static/{assets_version}/{path}"
    return made


def size(size_bytes: int) -> str:
    """A number of bytes as people read it: in decimal units, as B2 does (79,571 is 79.6 KB)."""
    value = float(size_bytes)
    for unit in _UNITS:
        if value < 999.95 or unit == _UNITS[-1]:
            break
        value /= 1000
    return count(size_bytes, "byte") if unit == _UNITS[0] else f"{value:.1f} {unit}"


def count(number: int, noun: str = "") -> str:
    """A number with its thousands apart, and its noun, which is one of `nouns.py`: `1 file`, `12,402 files`."""
    shown = f"{number:,}"
    return ngettext(*nouns.FORMS[noun], number, number=shown) if noun else shown


def in_path(text: str) -> str:
    """Text as a part of an address; slashes stay what they are."""
    return quote(text, safe="/~!$&'()*,;=:@")


@pass_context
def moment(context: Context, at_ms: int | None, *, otherwise: str | None = None) -> Markup | str:
    """A moment relative to now, with the exact one for whoever points at it: in the time zone of the person's choice, and in UTC.

    Milliseconds since the epoch. `otherwise` is what is said of None, if not "never".
    """
    if at_ms is None:
        return _("never") if otherwise is None else otherwise
    exact = datetime.fromtimestamp(at_ms / 1000, UTC)
    signed_in = context["signed_in"]
    zone = "UTC" if signed_in is None else signed_in.person.time_zone
    here = "" if zone == "UTC" else f"{exact.astimezone(zone_of(zone)):%Y-%m-%d %H:%M:%S} {zone}, "
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        in_order(here + exact.strftime("%Y-%m-%d %H:%M:%S UTC")),
        relative(at_ms, context["now_ms"]),
    )


def utc(at_ms: int) -> str:
    """A moment in full, for sentences about what happens then."""
    return in_order(datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"))


@cache
def zone_of(name: str) -> tzinfo:
    """The time zone of this name; UTC if this machine, other than the one where it was chosen, does not know it."""
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return UTC


def relative(at_ms: int, now_ms: int) -> str:
    """How long ago, or in how long, in the largest unit that fits."""
    number, unit = _largest(abs(now_ms - at_ms) / 1000)
    if unit == "second":
        return _("just now") if at_ms <= now_ms else _("in a moment")
    return ngettext(*(nouns.AGO if at_ms <= now_ms else nouns.AHEAD)[unit], number, number=count(number))


def left(until_ms: int, now_ms: int) -> str:
    """How long it is until then, as the countdown of a lock says it: never more than there is."""
    return count(*_largest(max(0, until_ms - now_ms) / 1000))


def _largest(seconds: float) -> tuple[int, str]:
    """A time as a whole number of the largest unit that fits into it."""
    value, unit = seconds, "second"
    for step, larger in _STEPS:
        if value < step:
            break
        value, unit = value / step, larger
    return int(value), unit
