"""One row of the console's table of pages: a method and a path, who may come there, and what answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import NamedTuple

from starlette.responses import Response

from undercroft.console.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]


class Who(Enum):
    """Who may come to a page. What they may do there, the store decides."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed in"


class Page(NamedTuple):
    """A page, or what one of its forms is sent to. `path` is a pattern of starlette's.

    `action` is what the audit log calls it: None for section and handler, empty for nothing worth an entry. `is_poll` is for what pages
    ask by themselves, again and again: it does not count as use of the session.
    """

    method: str
    path: str
    handler: Handler
    who: Who
    action: str | None = None
    is_poll: bool = False


def get(path: str, handler: Handler, *, who: Who = Who.SIGNED_IN, is_poll: bool = False) -> Page:
    """A page to look at: it changes nothing."""
    return Page("GET", path, handler, who, is_poll=is_poll)


def post(path: str, handler: Handler, *, who: Who = Who.SIGNED_IN, action: str | None = None) -> Page:
    """What a form or a script of a page is sent to. It is written down in the audit log (`auditing.py`), as `action`."""
    return Page("POST", path, handler, who, action)
