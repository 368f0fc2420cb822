"""Parameters of a download that set response headers, given by query, JSON or grant (reference, section 11.4)."""

from __future__ import annotations

from undercroft import limits
from undercroft.native import header_grammar
from undercroft.native.bodies import Body
from undercroft.native.errors import BadRequest

# Parameter → the response header that it sets.
OVERRIDES: dict[str, str] = {
    "b2ContentDisposition": "Content-Disposition",
    "b2ContentLanguage": "Content-Language",
    "b2Expires": "Expires",
    "b2CacheControl": "Cache-Control",
    "b2ContentEncoding": "Content-Encoding",
    "b2ContentType": "Content-Type",
}
_NONE: dict[str, str] = {}


class Overrides(Body, kw_only=True):
    """The base of the bodies that may name overrides."""

    b2_content_disposition: str | None = None
    b2_content_language: str | None = None
    b2_expires: str | None = None
    b2_cache_control: str | None = None
    b2_content_encoding: str | None = None
    b2_content_type: str | None = None

    def checked(self) -> dict[str, str]:
        """The overrides given, by parameter. Raises `BadRequest` as `overrides_of`."""
        given = {
            "b2ContentDisposition": self.b2_content_disposition,
            "b2ContentLanguage": self.b2_content_language,
            "b2Expires": self.b2_expires,
            "b2CacheControl": self.b2_cache_control,
            "b2ContentEncoding": self.b2_content_encoding,
            "b2ContentType": self.b2_content_type,
        }
        return overrides_of({name: value for name, value in given.items() if value is not None})


def overrides_of(parameters: dict[str, str]) -> dict[str, str]:
    """The overrides among the parameters of a request.

    Raises `BadRequest` for a value outside its header's grammar, and where they exceed the budget of a file's headers.
    """
    if not parameters:
        return _NONE
    given = {name: parameters[name] for name in OVERRIDES if name in parameters}
    for name, value in given.items():
        header_grammar.check(OVERRIDES[name], value, name)
    if sum(len(OVERRIDES[name]) + len(value) for name, value in given.items()) > limits.FILE_INFO_MAX_BYTES:
        raise BadRequest(f"The response headers asked for exceed {limits.FILE_INFO_MAX_BYTES} bytes")
    return given
