"""Target: the bodies of the console's forms. What is accepted must be what a reading piece by piece, of bytes, finds."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from harness.fuzz.campaign import Target
from undercroft import limits
from undercroft.console import guard


def check_form(data: bytes) -> str:
    """A form is read whole or refused; every field is there, in its order, decoded once."""
    try:
        form = guard._fields(data)
    except ValueError:
        return "refused"
    read = form.multi_items()
    assert len(read) <= limits.CONSOLE_FORM_FIELDS_MAX
    pairs = [piece.partition(b"=") for piece in data.split(b"&") if piece]
    expected = [
        tuple(unquote_to_bytes(part.replace(b"+", b" ")).decode() for part in (pair[0], pair[2])) for pair in pairs
    ]
    assert read == expected, f"{read} for {expected}"
    return "empty" if not read else "one field" if len(read) == 1 else "fields"


TARGETS = [
    Target(
        "form-bodies",
        check_form,
        corpus=(
            b"email=owner%40example.com&password=correct+horse&next=",
            b"choose=file%3A4_z&choose=folder%3Aa%2Fb%2F&csrf=0123456789abcdef",
            b"text=%E2%82%AC+%F0%9F%98%80&days=",
            b"&".join(b"f=%d" % number for number in range(40)),
            b"",
        ),
        words=(b"&", b"=", b"+", b"%", b"%00", b"%26", b"%3D", b"%2B", b"%25", b"%C3%A4", b"%ff", b";", b"&&", b"=="),
        modules=(guard,),
        reaches=frozenset({"refused", "empty", "one field", "fields"}),
    )
]
