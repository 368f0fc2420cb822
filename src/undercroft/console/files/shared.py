"""What a share link opens: a page for strangers, which says what the file is and asks for the password if there is one.

It tells nothing of the account, and search engines to stay away. The file itself comes from the API's address.
"""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.files.addresses import granted_to
from undercroft.console.files.places import label_of
from undercroft.console.problems import problem_of, said
from undercroft.console.visit import Visit
from undercroft.store.buckets.shares import Opened
from undercroft.store.errors import NoSuchShare, TooManyTries, WrongPassword

_STATUS = {WrongPassword: 403, TooManyTries: 429}


async def page(visit: Visit) -> Response:
    """What the link is for."""
    try:
        opened = await visit.store.shares.open(visit.path("token"))
    except NoSuchShare as error:
        return _gone(visit, error)
    return _render(visit, opened)


async def fetch(visit: Visit) -> Response:
    """Check the password, count the download, and lead to the file."""
    token = visit.path("token")
    try:
        taken = await visit.store.shares.take(token, visit.field("password"))
    except NoSuchShare as error:
        return _gone(visit, error)
    except (WrongPassword, TooManyTries) as error:
        opened = await visit.store.shares.open(token)
        return _render(visit, opened, status=_STATUS[type(error)], errors={"password": said(error)})
    address = await granted_to(visit, taken.principal, taken.version, limits.SHARE_GRANT_VALID_S)
    # A form may not be answered with the way to another origin, so the page leads there.
    return _render(visit, taken, address=address)


def _render(
    visit: Visit, opened: Opened, *, status: int = 200, address: str = "", errors: dict[str, str] | None = None
) -> Response:
    response = visit.render(
        "files/share_page.html",
        status=status,
        errors=errors,
        share=opened.share,
        version=opened.version,
        label=label_of(opened.version.name).rpartition("/")[2],
        address=address,
    )
    response.headers["x-robots-tag"] = "noindex, nofollow"
    return response


def _gone(visit: Visit, error: NoSuchShare) -> Response:
    response = visit.render("files/share_gone.html", status=404, problem=problem_of(error))
    response.headers["x-robots-tag"] = "noindex, nofollow"
    return response
