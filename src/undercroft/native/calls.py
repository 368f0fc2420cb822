"""The JSON calls of the API as a table: name, body and handler. All go by POST with JSON or GET with a query."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from undercroft import limits
from undercroft.http.request import Request
from undercroft.native import (
    buckets,
    copies,
    download_grants,
    file_locks,
    keys,
    large_files,
    listings,
    notification_rules,
    uploads,
    versions,
)
from undercroft.native.api_versions import APIVersion
from undercroft.native.bodies import ArrayReader, Body, BodyReader
from undercroft.native.call import Answer, Call
from undercroft.native.errors import NativeError
from undercroft.native.partner import groups, members, trials

T = TypeVar("T", bound=Body)


class JSONCall(NamedTuple):
    """One call. `multi_bucket_reader` reads the body of the versions that know keys of several buckets."""

    reader: BodyReader[Any] | ArrayReader[Any]
    multi_bucket_reader: BodyReader[Any] | ArrayReader[Any]
    handler: Callable[[Call, Any], Awaitable[Answer | list[Answer]]]

    async def read(self, request: Request, version: APIVersion) -> Body | list[Body]:
        """The request's body. Raises `NativeError` for a method or a body that the call does not take."""
        reader = self.multi_bucket_reader if version.multi_bucket_keys else self.reader
        body: Body | list[Body]
        if request.method == "POST":
            body = reader.from_json(await request.read(limits.JSON_BODY_MAX_BYTES))
        elif request.method == "GET":
            body = reader.from_query(request.query_pairs(plus_is_space=True))
        else:
            raise NativeError(405, "method_not_allowed", "Only POST is supported")
        return body


def _call(body_type: type[T], handler: Callable[[Call, T], Awaitable[Answer | list[Answer]]]) -> JSONCall:
    reader = BodyReader(body_type)
    return JSONCall(reader, reader, handler)


def _array_call(item_type: type[T], handler: Callable[[Call, list[T]], Awaitable[Answer | list[Answer]]]) -> JSONCall:
    reader = ArrayReader(item_type)
    return JSONCall(reader, reader, handler)


CALLS: dict[str, JSONCall] = {
    "b2_cancel_large_file": _call(large_files.LargeFileId, large_files.cancel_large_file),
    "b2_copy_file": _call(copies.CopyFile, copies.copy_file),
    "b2_copy_part": _call(copies.CopyPart, copies.copy_part),
    "b2_create_bucket": _call(buckets.CreateBucket, buckets.create_bucket),
    "b2_create_group_member": _call(members.CreateGroupMember, members.create_group_member),
    "b2_create_key": JSONCall(BodyReader(keys.CreateKey), BodyReader(keys.CreateMultiBucketKey), keys.create_key),
    "b2_delete_bucket": _call(buckets.DeleteBucket, buckets.delete_bucket),
    "b2_delete_file_version": _call(versions.DeleteFileVersion, versions.delete_file_version),
    "b2_delete_key": _call(keys.DeleteKey, keys.delete_key),
    "b2_eject_group_member": _call(members.EjectGroupMember, members.eject_group_member),
    "b2_finish_large_file": _call(large_files.FinishLargeFile, large_files.finish_large_file),
    "b2_get_bucket_notification_rules": _call(
        notification_rules.GetNotificationRules, notification_rules.get_notification_rules
    ),
    "b2_get_download_authorization": _call(
        download_grants.GetDownloadAuthorization, download_grants.get_download_authorization
    ),
    "b2_get_file_info": _call(versions.GetFileInfo, versions.get_file_info),
    "b2_get_upload_part_url": _call(large_files.LargeFileId, large_files.get_upload_part_url),
    "b2_get_upload_url": _call(uploads.GetUploadURL, uploads.get_upload_url),
    "b2_hide_file": _call(versions.HideFile, versions.hide_file),
    "b2_list_buckets": _call(buckets.ListBuckets, buckets.list_buckets),
    "b2_list_file_names": _call(listings.ListFileNames, listings.list_file_names),
    "b2_list_file_versions": _call(listings.ListFileVersions, listings.list_file_versions),
    "b2_list_group_members": _call(members.ListGroupMembers, members.list_group_members),
    "b2_list_groups": _call(groups.ListGroups, groups.list_groups),
    "b2_list_keys": _call(keys.ListKeys, keys.list_keys),
    "b2_list_parts": _call(large_files.ListParts, large_files.list_parts),
    "b2_list_unfinished_large_files": _call(
        large_files.ListUnfinishedLargeFiles, large_files.list_unfinished_large_files
    ),
    "b2_reserve_trial_create_account": _array_call(trials.TrialOrder, trials.create_trial_accounts),
    "b2_set_bucket_notification_rules": _call(
        notification_rules.SetNotificationRules, notification_rules.set_notification_rules
    ),
    "b2_start_large_file": _call(large_files.StartLargeFile, large_files.start_large_file),
    "b2_update_bucket": _call(buckets.UpdateBucket, buckets.update_bucket),
    "b2_update_file_legal_hold": _call(file_locks.UpdateFileLegalHold, file_locks.update_file_legal_hold),
    "b2_update_file_retention": _call(file_locks.UpdateFileRetention, file_locks.update_file_retention),
}
