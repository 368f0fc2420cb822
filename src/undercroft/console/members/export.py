"""The members of an account as a table to keep."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response

from undercroft.console.members.overview import wanted_members
from undercroft.console.tables import CSVFile, Rows, time_of
from undercroft.console.visit import Visit
from undercroft.store.identity.memberships import Member

_COLUMNS = ("email", "role", "buckets", "invited", "state")


async def export(visit: Visit) -> Response:
    """The members and open invitations that the page shows, by address."""
    rows = [
        (
            row.member.email, row.role, "all" if row.buckets is None else ", ".join(row.buckets),
            time_of(row.member.created_ms), _state(row.member),
        )
        for row in await wanted_members(visit)
    ]  # fmt: skip

    async def pages() -> AsyncIterator[Rows]:
        yield rows

    return CSVFile(_COLUMNS, pages(), "members.csv")


def _state(one: Member) -> str:
    if one.is_suspended:
        return "suspended"
    return "member" if one.member_id else "invited"
