"""Share links as their owner sees them: making one, those of a bucket, revoking one."""

from __future__ import annotations

import segno
from markupsafe import Markup
from starlette.responses import Response

from undercroft import limits
from undercroft.console.files.addresses import granted_to
from undercroft.console.files.details import version_asked, version_form
from undercroft.console.files.places import go_to, way_back
from undercroft.console.languages import N_, _, in_words
from undercroft.console.numbers import whole_number
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.errors import InvalidRequest, TooManyShares
from undercroft.store.model import Bucket, FileVersion

EXPIRIES = (
    ("3600", N_("1 hour")),
    ("86400", N_("1 day")),
    ("604800", N_("7 days")),
    ("2592000", N_("30 days")),
    ("31536000", N_("1 year")),
    ("never", N_("Never")),
)
_FIELDS = {"password": "password", "downloads": "downloads", "expiry": "expiry", "fileId": "kind"}
_BLANK = {"kind": "link", "expiry": "604800", "password": "", "downloads": ""}


async def new(visit: Visit) -> Response:
    """The form for a link to a version."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    return _form(visit, bucket, version, _BLANK)


async def create(visit: Visit) -> Response:
    """Make the link, and show it: this once, since only its hash is kept."""
    bucket = await visit.bucket()
    version = await version_asked(visit, bucket)
    values = {name: visit.field(name, blank).strip() for name, blank in _BLANK.items()}
    try:
        link, share = await _link(visit, bucket, version, values)
    except (InvalidRequest, TooManyShares) as error:
        return _form(visit, bucket, version, values, beside(error, _FIELDS, "kind"))
    return version_form(
        visit,
        "files/shared.html",
        bucket,
        version,
        link=link,
        share=share,
        qr=qr_code(link),
        password=bool(values["password"]) and values["kind"] == "link",
    )


def _form(
    visit: Visit, bucket: Bucket, version: FileVersion, values: dict[str, str], errors: dict[str, str] | None = None
) -> Response:
    return version_form(
        visit,
        "files/share.html",
        bucket,
        version,
        errors=errors,
        values=values,
        expiries=in_words(EXPIRIES),
        password_min=limits.SHARE_PASSWORD_MIN_LENGTH,
    )


async def _link(visit: Visit, bucket: Bucket, version: FileVersion, values: dict[str, str]) -> tuple[str, object]:
    valid_s = None if values["expiry"] == "never" else _number(values["expiry"], "expiry")
    if values["kind"] == "direct":
        if valid_s is None or valid_s > limits.DOWNLOAD_GRANT_VALID_MAX_S:
            raise InvalidRequest(_("An address with a signature lives for 7 days at most."), "expiry")
        return await granted_to(visit, visit.principal, version, valid_s), None
    share, token = await visit.store.shares.create(
        visit.principal,
        bucket,
        version,
        valid_s=valid_s,
        password=values["password"],
        downloads_max=_number(values["downloads"], "downloads") if values["downloads"] else None,
    )
    return f"{visit.own_origin}/s/{token}", share


async def listed(visit: Visit) -> Response:
    """The share links of a bucket."""
    bucket = await visit.bucket()
    shares, following = await visit.store.shares.of_bucket(
        visit.principal, bucket, after=visit.query("after"), limit=limits.SHARES_PAGE, text=visit.filter
    )
    return visit.render("files/shares.html", bucket=bucket, shares=shares, following=following)


async def revoke(visit: Visit) -> Response:
    """End a link at once."""
    bucket = await visit.bucket()
    await visit.store.shares.revoke(visit.principal, bucket, visit.field("share"))
    return go_to(way_back(visit, f"/buckets/{bucket.name}/shares"), "link-revoked")


def qr_code(text: str) -> Markup:
    """The QR code of a text, as an SVG within the page: our own markup around numbers."""
    code = segno.make(text, error="m", micro=False)
    return Markup(code.svg_inline(border=2, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True))  # noqa: S704


def _number(text: str, field: str) -> int:
    number = whole_number(text)
    if number is None:
        raise InvalidRequest(_("This must be a whole number."), field)
    return number
