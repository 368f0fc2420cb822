"""The operator's section."""

from __future__ import annotations

from undercroft.console.operator import account, accounts, acting, addresses, installation, invitations
from undercroft.console.page import Page, get, post

_ONE = "/operator/accounts/{account_id:str}"

PAGES: tuple[Page, ...] = (
    get("/operator/accounts", accounts.show),
    get("/operator/accounts/new", accounts.show_new),
    post("/operator/accounts/new", accounts.create, action="Create account"),
    get(_ONE, account.show),
    get(_ONE + "/suspend", account.show_suspend),
    post(_ONE + "/suspend", account.suspend, action="Suspend account"),
    post(_ONE + "/resume", account.resume, action="Resume account"),
    post(_ONE + "/lift-trial", account.lift_trial, action="Lift trial"),
    get(_ONE + "/caps", account.show_caps),
    post(_ONE + "/caps", account.set_caps, action="Set caps"),
    get(_ONE + "/second-factor", account.show_second_factor),
    post(_ONE + "/second-factor", account.reset_second_factor, action="Reset second factor"),
    post(_ONE + "/operator", account.set_operator, action="Change operator"),
    get(_ONE + "/act", acting.ask),
    post(_ONE + "/act", acting.begin, action="Act for account"),
    post("/stop-acting", acting.stop, action="Stop acting for account"),
    get(_ONE + "/delete", account.show_delete),
    post(_ONE + "/delete", account.delete, action="Delete account"),
    get("/operator/installation", installation.show),
    get("/operator/installation/addresses", addresses.show),
    post("/operator/installation/addresses", addresses.save, action="Change installation"),
    get("/operator/invitations", invitations.show),
    get("/operator/invitations/new", invitations.show_new),
    post("/operator/invitations/new", invitations.invite, action="Invite"),
    post("/operator/invitations/{invitation_id}/take-back", invitations.take_back, action="Take back invitation"),
)
