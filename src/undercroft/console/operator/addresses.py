"""Choosing region and addresses in the console: what nobody gave when the server was started, from its next start on.

What a wrong value of would lock everybody out of the console, and the certificate, is not chosen here (decision 016).
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from undercroft.console.languages import N_, _
from undercroft.console.problems import beside, said
from undercroft.console.visit import Visit
from undercroft.settings import KEPT_OPTIONS, read_kept
from undercroft.store.errors import BadCredentials, InvalidRequest, TooManyAttempts

_WRONG = {
    "region": N_("Lower-case letters, digits and hyphens, such as eu-central-001."),
    "public_url": N_("http or https, host and port, without a path: https://storage.example.com"),
    "domain": N_("A domain name, such as storage.example.com."),
}


async def show(visit: Visit) -> Response:
    """The form, with what is kept, or else with what the server has now."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    kept = await administration.kept_settings.all_of()
    return _form(visit, {name: kept.get(name, getattr(visit.settings, name) or "") for name in KEPT_OPTIONS})


async def save(visit: Visit) -> Response:
    """Keep what was chosen. An empty field keeps nothing: the server then has its own."""
    administration = await visit.store.administrations.of(visit.account.account_id)
    values = {name: visit.field(name).strip() for name in KEPT_OPTIONS if name not in visit.settings.given}
    chosen: dict[str, str | None] = {}
    errors = {}
    for name, text in values.items():
        try:
            chosen[name] = read_kept(name, text) if text else None
        except ValueError:
            errors[name] = _(_WRONG[name])
    if errors:
        return _form(visit, values, errors)
    before = await administration.kept_settings.all_of()
    try:
        proof = await visit.store.identity.sign_in.confirm_password(
            visit.account.account_id, visit.field("current_password")
        )
        await administration.kept_settings.change(proof, chosen)
    except (BadCredentials, TooManyAttempts) as error:
        return _form(visit, values, {"current_password": said(error)})
    except InvalidRequest as error:
        return _form(visit, values, beside(error, {name: name for name in KEPT_OPTIONS}, "current_password"))
    visit.audit_changes(_in_words(before), _in_words(await administration.kept_settings.all_of()))
    return visit.redirect("/operator/installation", notice="installation-kept")


def _in_words(kept: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", " "): kept.get(name, "not set") for name in KEPT_OPTIONS}


def _form(visit: Visit, values: Mapping[str, str], errors: Mapping[str, str] | None = None) -> Response:
    fields = (
        (
            "region",
            _("Region"),
            "",
            _("S3 clients sign with its name: those that have another one are refused."),
        ),
        (
            "public_url",
            _("Public URL of the API and S3 endpoint"),
            "https://storage.example.com",
            _(
                "What clients are told, behind a proxy or under a name of your own. Empty: the address that they ask at."
            ),
        ),
        (
            "domain",
            _("Domain of virtual hosts"),
            "",
            _("A bucket is also reached as BUCKET.s3.REGION and this domain, where the DNS has these names."),
        ),
    )
    return visit.render(
        "operator/addresses.html",
        status=422 if errors else 200,
        fields=[one for one in fields if one[0] not in visit.settings.given],
        given=[title for name, title, _example, _help in fields if name in visit.settings.given],
        values=values,
        errors=errors,
    )
