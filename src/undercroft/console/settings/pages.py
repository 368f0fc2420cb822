"""My Settings."""

from __future__ import annotations

from undercroft.console.page import Page, get, post
from undercroft.console.settings import account, passkeys, password, products, security, set_up, two_factor

PAGES: tuple[Page, ...] = (
    get("/settings", account.show),
    post("/settings", account.save_profile, action="Change profile"),
    get("/settings/set-up", set_up.show),
    post("/settings/set-up", set_up.finish, action="Finish setting up"),
    post("/settings/set-up/leave", set_up.leave, action="Leave address and password as they are"),
    get("/settings/email", account.show_email),
    post("/settings/email", account.change_email, action="Change e-mail address"),
    post("/settings/email/take-back", account.take_back_email, action="Take back change of e-mail address"),
    get("/settings/email/{secret}", account.show_link),
    post("/settings/email/{secret}", account.confirm_email, action="Confirm e-mail address"),
    get("/settings/delete", account.show_delete),
    post("/settings/delete", account.delete, action="Delete account"),
    get("/settings/products", products.show),
    get("/settings/products/b2", products.show_terms),
    post("/settings/products/b2", products.enable, action="Enable B2 Cloud Storage"),
    get("/settings/products/b2/disable", products.show_disable),
    post("/settings/products/b2/disable", products.disable, action="Disable B2 Cloud Storage"),
    get("/settings/security", security.show),
    post("/settings/sessions/end-others", security.end_others, action="End other sessions"),
    post("/settings/sessions/{session_id}/end", security.end, action="End session"),
    get("/settings/password", password.show),
    post("/settings/password", password.change, action="Change password"),
    get("/settings/passkeys/new", passkeys.new),
    post("/settings/passkeys/options", passkeys.begin, action=""),
    post("/settings/passkeys/new", passkeys.add, action="Add passkey"),
    post("/settings/passkeys/{passkey_id}/remove", passkeys.remove, action="Remove passkey"),
    get("/settings/two-factor", two_factor.show),
    post("/settings/two-factor", two_factor.confirm, action="Enable two-factor verification"),
    get("/settings/two-factor/disable", two_factor.show_disable),
    post("/settings/two-factor/disable", two_factor.disable, action="Disable two-factor verification"),
    get("/settings/two-factor/codes", two_factor.show_codes),
    post("/settings/two-factor/codes", two_factor.make_codes, action="Make recovery codes"),
    post("/settings/two-factor/browsers", two_factor.forget_browsers, action="Forget trusted browsers"),
)
