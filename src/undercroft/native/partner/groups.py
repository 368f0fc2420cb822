"""b2_list_groups."""

from __future__ import annotations

from undercroft import limits
from undercroft.native.bodies import Body
from undercroft.native.call import Answer, Call, row_count
from undercroft.native.partner.shapes import group_shape


class ListGroups(Body):
    """The parameters of `b2_list_groups`."""

    admin_account_id: str
    group_name: str | None = None
    start_group_id: str | None = None
    max_group_count: int | None = None


async def list_groups(call: Call, body: ListGroups) -> Answer:
    """List the groups that the account administers, by id."""
    call.check_account(body.admin_account_id)
    limit = row_count(
        "maxGroupCount", body.max_group_count, default=limits.NATIVE_LIST_DEFAULT, maximum=limits.GROUP_LIST_MAX
    )
    page = await call.store.identity.groups.list(
        call.principal, name=body.group_name, start_group_id=body.start_group_id or "", limit=limit
    )
    return {
        "accountId": body.admin_account_id,
        "groups": [group_shape(*row) for row in page.groups],
        "nextGroupId": page.next_group_id,
    }
