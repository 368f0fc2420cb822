"""Two-factor verification: setting up an authenticator app, recovery codes, and switching it off."""

from __future__ import annotations

import io

from markupsafe import Markup
from starlette.responses import Response

from undercroft.console.problems import said
from undercroft.console.visit import Visit
from undercroft.store.errors import BadCredentials, SecondFactorState, TooManyAttempts, WrongCode
from undercroft.store.identity.second_factors import Enrollment

_ISSUER = "Undercroft"


async def show(visit: Visit) -> Response:
    """The QR code and the secret as text, and a field for the code that proves that the app has it."""
    return await _set_up(visit)


async def confirm(visit: Visit) -> Response:
    """Switch it on, for the password: recovery codes, once, and every session ends, this one too."""
    identity, account = visit.store.identity, visit.account
    try:
        proof = await identity.sign_in.confirm_password(account.account_id, visit.field("password"))
    except (BadCredentials, TooManyAttempts) as error:
        return await _set_up(visit, {"password": said(error)})
    try:
        codes = await identity.sign_in.confirm_enrollment(proof, visit.field("code"))
    except BadCredentials as error:
        return await _set_up(visit, {"password": said(error)})
    except (WrongCode, TooManyAttempts) as error:
        return await _set_up(visit, {"code": said(error)})
    except SecondFactorState:
        return visit.redirect("/settings/security")
    identity.letters.second_factor_changed(account.email, enabled=True)
    visit.cookies[visit.console.session_cookie] = None
    visit.signed_in = None
    return visit.render("settings/recovery_codes_first.html", codes=codes)


async def show_codes(visit: Visit) -> Response:
    """What making other codes means."""
    return visit.render("settings/new_codes.html")


async def make_codes(visit: Visit) -> Response:
    """Other recovery codes for the password; the old ones work no more."""
    identity, account_id = visit.store.identity, visit.account.account_id
    try:
        proof = await identity.sign_in.confirm_password(account_id, visit.field("password"))
        codes = await identity.second_factors.new_recovery_codes(proof)
    except (BadCredentials, TooManyAttempts) as error:
        return visit.render("settings/new_codes.html", status=422, errors={"password": said(error)})
    return visit.render("settings/recovery_codes.html", codes=codes)


async def show_disable(visit: Visit) -> Response:
    """What switching off means."""
    return visit.render("settings/two_factor_off.html")


async def disable(visit: Visit) -> Response:
    """Switch it off, for the password."""
    identity, account = visit.store.identity, visit.account
    try:
        proof = await identity.sign_in.confirm_password(account.account_id, visit.field("password"))
        await identity.second_factors.disable(proof)
    except (BadCredentials, TooManyAttempts) as error:
        return visit.render("settings/two_factor_off.html", status=422, errors={"password": said(error)})
    identity.letters.second_factor_changed(account.email, enabled=False)
    return visit.redirect("/settings/security", notice="second-factor-off")


async def forget_browsers(visit: Visit) -> Response:
    """Ask for a code in every browser again."""
    await visit.store.identity.second_factors.forget_browsers(visit.account.account_id)
    return visit.redirect("/settings/security", notice="browsers-forgotten")


async def _set_up(visit: Visit, errors: dict[str, str] | None = None) -> Response:
    account = visit.account
    try:
        enrollment = await visit.store.identity.second_factors.enroll(account.account_id, account.email, _ISSUER)
    except SecondFactorState:
        return visit.redirect("/settings/security")
    return visit.render(
        "settings/two_factor.html",
        status=422 if errors else 200,
        qr=qr_code(enrollment),
        secret=" ".join(_groups(enrollment.secret)),
        errors=errors,
    )


def qr_code(enrollment: Enrollment) -> Markup:
    """The URI as a drawing that stands in the page: no picture is fetched, and nobody else learns the secret."""
    import segno  # Only whoever sets up an app needs it.

    drawn = io.BytesIO()
    segno.make(enrollment.uri, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=True, scale=4, border=2, light="#fff", omitsize=True, svgclass="qr"
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - squares alone; the text is nowhere in it.


def _groups(secret: str) -> list[str]:
    return [secret[start : start + 4] for start in range(0, len(secret), 4)]
