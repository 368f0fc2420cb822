"""What a browser remembers of its user's taste. It is nobody's secret and needs no account."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.languages import ENGLISH
from undercroft.console.page import Page, Who, post
from undercroft.console.visit import THEMES, Visit


async def set_theme(visit: Visit) -> Response:
    """Remember light, dark or the system's choice, and go back."""
    theme = visit.field("theme")
    visit.cookies[visit.console.theme_cookie] = theme if theme in THEMES else "system"
    return _back(visit)


async def set_rail(visit: Visit) -> Response:
    """Remember whether the left rail shows words or only icons, and go back."""
    visit.cookies[visit.console.rail_cookie] = "narrow" if visit.field("rail") == "narrow" else "wide"
    return _back(visit)


async def set_language(visit: Visit) -> Response:
    """Remember in which language pages are, and go back."""
    wanted = visit.field("language")
    visit.cookies[visit.console.language_cookie] = wanted if wanted in visit.languages else ENGLISH.tag
    return _back(visit)


def _back(visit: Visit) -> Response:
    """The way to the page where it was chosen."""
    back = visit.field("back", "/")
    return visit.redirect(back if is_own_path(back) else "/")


def is_own_path(path: str) -> bool:
    """Whether this is a path of the console, so that nobody is sent elsewhere."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()


PAGES: tuple[Page, ...] = (
    post("/preferences/theme", set_theme, who=Who.ANYBODY, action=""),
    post("/preferences/language", set_language, who=Who.ANYBODY, action=""),
    post("/preferences/rail", set_rail, action=""),
)
