"""The JSON objects of the Partner API (reference, section 22)."""

from __future__ import annotations

from undercroft.native.call import Answer, Call
from undercroft.native.errors import NativeError
from undercroft.store.identity.groups import Group, Member, Stats

IN_GOOD_STANDING = "active"
SUSPENDED = "suspended"
PRODUCTS = ["b2"]  # There is no other.


def stats_shape(stats: Stats) -> Answer:
    """What accounts hold. Counts are texts, since they may be beyond what JSON's readers take for a number."""
    return {
        "b2BytesStoredCount": str(stats.size_bytes),
        "b2FilesStoredCount": str(stats.versions),
        "b2StatsAsOfTimestamp": stats.as_of_ms,
        "bucketCount": stats.buckets,
    }


def group_shape(group: Group, member_count: int, stats: Stats) -> Answer:
    """A group with what its members hold together."""
    return {
        "accountStandingDetails": {"state": IN_GOOD_STANDING},
        "b2Stats": stats_shape(stats),
        "groupId": group.group_id,
        "groupName": group.name,
        "groupProducts": PRODUCTS,
        "groupStats": {
            "createdTimestamp": group.created_ms,
            "groupStatsAsOfTimestamp": stats.as_of_ms,
            "memberCount": member_count,
        },
    }


def member_shape(call: Call, group: Group, member: Member) -> Answer:
    """A member of a group."""
    return {
        "accountId": member.account_id,
        "accountStandingDetails": {"state": SUSPENDED if member.suspended else IN_GOOD_STANDING},
        "email": member.email,
        "groupId": group.group_id,
        "groupName": group.name,
        "region": region_name(call),
        "s3Endpoint": call.settings.s3_endpoint(call.origin),
    }


def region_name(call: Call) -> str:
    """The region as the Partner API names it: `us-west` for `us-west-000`."""
    name, _, number = call.settings.region.rpartition("-")
    return name if name and number.isdigit() else call.settings.region


def check_region(call: Call, asked: str | None) -> None:
    """Return if a new account is asked for in no region, or in the one that is here, by either of its names.

    Raises `NativeError`, 401 `invalid_region`.
    """
    if asked not in {None, region_name(call), call.settings.region}:
        raise NativeError(401, "invalid_region", f"The region here is {region_name(call)}")
