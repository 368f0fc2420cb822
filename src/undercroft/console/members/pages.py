"""Members."""

from __future__ import annotations

from undercroft.console.members import access, export, joining, overview
from undercroft.console.page import Page, Who, get, post

PAGES: tuple[Page, ...] = (
    get("/members", overview.show),
    get("/members.csv", export.export),
    get("/members/invite", overview.show_invite),
    post("/members/invite", overview.invite, action="Invite member"),
    get("/members/{email}", overview.show_one),
    post("/members/{email}", overview.change, action="Change member"),
    get("/members/{email}/remove", overview.show_remove),
    post("/members/{email}/remove", overview.remove, action="Remove member"),
    get("/buckets/{name}/access", access.show),
    get("/join/{secret}", joining.show, who=Who.ANYBODY),
    post("/join/{secret}", joining.accept, who=Who.ANYBODY, action="Accept invitation"),
    get("/accounts", joining.show_accounts),
    post("/accounts", joining.switch, action="Switch account"),
)
