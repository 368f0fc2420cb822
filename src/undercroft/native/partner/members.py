"""b2_list_group_members, b2_create_group_member and b2_eject_group_member. Some answer an array of one."""

from __future__ import annotations

from undercroft import limits
from undercroft.native.bodies import Body
from undercroft.native.call import Answer, Call, row_count
from undercroft.native.partner.shapes import check_region, member_shape, stats_shape
from undercroft.store.identity.groups import Member


class ListGroupMembers(Body):
    """The parameters of `b2_list_group_members`."""

    admin_account_id: str
    group_id: str
    start_email: str | None = None
    max_member_count: int | None = None


class CreateGroupMember(Body):
    """The body of `b2_create_group_member`."""

    admin_account_id: str
    group_id: str
    member_email: str
    region: str | None = None


class EjectGroupMember(Body):
    """The body of `b2_eject_group_member`."""

    admin_account_id: str
    group_id: str
    member_account_id: str


async def list_group_members(call: Call, body: ListGroupMembers) -> list[Answer]:
    """List a group's members by e-mail address, with what they hold."""
    call.check_account(body.admin_account_id)
    limit = row_count(
        "maxMemberCount", body.max_member_count, default=limits.NATIVE_LIST_DEFAULT, maximum=limits.MEMBER_LIST_MAX
    )
    page = await call.store.identity.groups.list_members(
        call.principal, body.group_id, start_email=body.start_email or "", limit=limit
    )
    members = [
        {**member_shape(call, page.group, member), "b2Stats": stats_shape(stats)} for member, stats in page.members
    ]
    return [
        {
            "groupId": page.group.group_id,
            "groupMembers": members,
            "groupName": page.group.name,
            "nextEmail": page.next_email,
        }
    ]


async def create_group_member(call: Call, body: CreateGroupMember) -> list[Answer]:
    """Make an account in a group; the only answer that has the secret of its key."""
    await call.check_account_to("Create group member", body.member_email, body.admin_account_id)
    check_region(call, body.region)
    group, made = await call.store.identity.groups.create_member(call.managing, body.group_id, body.member_email)
    account = made.account
    return [
        {
            "applicationKey": made.key.secret,
            "applicationKeyId": made.key.key_id,
            "groupMember": member_shape(call, group, Member(account.account_id, account.email, account.suspended)),
        }
    ]


async def eject_group_member(call: Call, body: EjectGroupMember) -> Answer:
    """Take an account out of a group. The account stays, with its keys and files."""
    await call.check_account_to("Eject group member", body.member_account_id, body.admin_account_id)
    group, member = await call.store.identity.groups.eject_member(call.managing, body.group_id, body.member_account_id)
    return member_shape(call, group, member)
