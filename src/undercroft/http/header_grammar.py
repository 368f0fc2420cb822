"""The grammars of the header values that a file or a download may set (B2 Native API, sections 4.4 and 11.4 of the reference).

What passes here goes into response headers as it stands, so the patterns allow printable ASCII only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from undercroft import limits

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[\t !#-\[\]-~]|\\[\t -~])*"'
# RFC 6266 with the extended values of RFC 8187: UTF-8 with an empty language; no continuations (`filename*0`).
_EXTENDED = r"[Uu][Tt][Ff]-8''(?:[!#$&+.^_`|~0-9A-Za-z-]|%[0-9A-Fa-f]{2})*"
_PARAMETER_NAME = r"[!#$%&'+.^_`|~0-9A-Za-z-]+"
_DISPOSITION = re.compile(
    rf"{_WORD}(?:[ \t]*;[ \t]*{_PARAMETER_NAME}(?:\*[ \t]*=[ \t]*{_EXTENDED}|[ \t]*=[ \t]*(?:{_WORD}|{_QUOTED})))*\Z"
)
_LANGUAGE_TAG = r"[A-Za-z]{1,8}(?:-[0-9A-Za-z]{1,8})*"
_LANGUAGES = re.compile(rf"{_LANGUAGE_TAG}(?:[ \t]*,[ \t]*{_LANGUAGE_TAG})*\Z")
_DIRECTIVE = rf"{_WORD}(?:=(?:{_WORD}|{_QUOTED}))?"
_CACHE_CONTROL = re.compile(rf"{_DIRECTIVE}(?:[ \t]*,[ \t]*{_DIRECTIVE})*\Z")
_CODINGS = re.compile(rf"{_WORD}(?:[ \t]*,[ \t]*{_WORD})*\Z")
_CONTENT_TYPE = re.compile(r"[!-~](?:[ -~]*[!-~])?\Z")

# RFC 2616, 3.3.1: the form of today and the two old ones.
_DAYS = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DATES = (
    re.compile(rf"{_DAYS}, (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_CLOCK} GMT\Z"),
    re.compile(rf"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_CLOCK} GMT\Z"),
    re.compile(rf"{_DAYS} {_MONTH} (?P<day>[ \d]\d) {_CLOCK} (?P<year>\d{{4}})\Z"),
)


def is_http_date(text: str) -> bool:
    """Whether the text is a date in one of the three forms of RFC 2616 and exists in the calendar."""
    for form in _DATES:
        match = form.match(text)
        if match is not None:
            year = int(match["year"])
            month = _MONTHS.index(match["month"]) + 1
            try:
                # A leap second is legal; two-digit years mean this century, which decides nothing but February 29th.
                datetime(  # noqa: DTZ001 - Only the calendar is asked, never an instant.
                    year if year >= 100 else 2000 + year,
                    month,
                    int(match["day"]),
                    int(match["hour"]),
                    int(match["minute"]),
                    min(int(match["second"]), 59),
                )
            except ValueError:
                return False
            return int(match["second"]) <= 60
    return False


def is_content_type(text: str) -> bool:
    """Whether the text may stand as a content type: printable ASCII within its length."""
    return len(text) <= limits.CONTENT_TYPE_MAX_BYTES and _CONTENT_TYPE.match(text) is not None


# Response header → whether a value fits its grammar.
GRAMMARS: dict[str, Callable[[str], bool]] = {
    "Content-Disposition": lambda text: _DISPOSITION.match(text) is not None,
    "Content-Language": lambda text: _LANGUAGES.match(text) is not None,
    "Expires": is_http_date,
    "Cache-Control": lambda text: _CACHE_CONTROL.match(text) is not None,
    "Content-Encoding": lambda text: _CODINGS.match(text) is not None,
    "Content-Type": is_content_type,
}

# The entries of file info that are response headers in truth (reference, 4.4). No other may begin with `b2-`.
INFO_PREFIX = "b2-"
INFO_HEADERS: dict[str, str] = {
    "b2-content-disposition": "Content-Disposition",
    "b2-content-language": "Content-Language",
    "b2-expires": "Expires",
    "b2-cache-control": "Cache-Control",
    "b2-content-encoding": "Content-Encoding",
}


def fits(header: str, value: str) -> bool:
    """Whether a value may stand in this header of a download."""
    return len(value) <= limits.FILE_INFO_MAX_BYTES and GRAMMARS[header](value)
