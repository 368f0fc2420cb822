"""Signing in and out, signing up, and forgotten passwords: what those who are not signed in can do."""

from __future__ import annotations

from undercroft.console.page import Page, Who, get, post
from undercroft.console.sign_in import forgotten, passkey, session, sign_up, steps

PAGES: tuple[Page, ...] = (
    get("/", session.home),
    get("/sign-in", steps.show, who=Who.ANYBODY),
    post("/sign-in", steps.take_email, who=Who.ANYBODY, action=""),
    post("/sign-in/password", steps.take_password, who=Who.ANYBODY, action=""),
    post("/sign-in/passkey/options", passkey.options, who=Who.ANYBODY, action=""),
    post("/sign-in/passkey", passkey.take, who=Who.ANYBODY, action=""),
    get("/sign-in/code", steps.show_code, who=Who.ANYBODY),
    post("/sign-in/code", steps.take_code, who=Who.ANYBODY, action=""),
    post("/sign-out", session.sign_out, action="Sign out"),
    get("/session", session.show),
    post("/session/extend", session.extend, action=""),
    get("/forgot-password", forgotten.show, who=Who.ANYBODY),
    post("/forgot-password", forgotten.take_email, who=Who.ANYBODY, action=""),
    get("/reset-password/{secret}", forgotten.show_link, who=Who.ANYBODY),
    post("/reset-password/{secret}", forgotten.reset, who=Who.ANYBODY, action=""),
    get("/sign-up", sign_up.show, who=Who.ANYBODY),
    post("/sign-up", sign_up.take, who=Who.ANYBODY, action=""),
    get("/sign-up/{secret}", sign_up.show_invited, who=Who.ANYBODY),
    post("/sign-up/{secret}", sign_up.take_invited, who=Who.ANYBODY, action=""),
)
