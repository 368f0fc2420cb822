"""The transaction class of every call, and how many transactions it is (reference, section 20).

A call counts when it is taken up: its sender is known and its body understood, and no cap refuses it. What becomes of it
then makes no difference.
"""

from __future__ import annotations

from undercroft import limits
from undercroft.native.bodies import Body
from undercroft.store.accounting.model import TransactionClass

_CALLS: dict[TransactionClass, tuple[str, ...]] = {
    "A": (
        "b2_cancel_large_file", "b2_delete_bucket", "b2_delete_file_version", "b2_delete_key", "b2_finish_large_file",
        "b2_get_upload_part_url", "b2_get_upload_url", "b2_hide_file", "b2_start_large_file",
        "b2_update_file_legal_hold", "b2_update_file_retention", "b2_upload_file", "b2_upload_part",
    ),
    "B": ("b2_download_file_by_id", "b2_download_file_by_name", "b2_get_file_info"),
    "C": (
        "b2_authorize_account", "b2_copy_file", "b2_copy_part", "b2_create_bucket", "b2_create_key",
        "b2_get_bucket_notification_rules", "b2_get_download_authorization", "b2_list_buckets", "b2_list_file_names",
        "b2_list_file_versions", "b2_list_keys", "b2_list_parts", "b2_list_unfinished_large_files",
        "b2_set_bucket_notification_rules", "b2_update_bucket",
        # The reference has no class for the calls of the Partner API: as all that administers.
        "b2_create_group_member", "b2_eject_group_member", "b2_list_group_members", "b2_list_groups",
        "b2_reserve_trial_create_account",
    ),
}  # fmt: skip
CLASSES: dict[str, TransactionClass] = {
    call: transaction_class for transaction_class, calls in _CALLS.items() for call in calls
}

# The fields of bodies that say with which bucket a call has to do: its id, or that of a file in it; the first counts.
_BUCKET_FIELDS = ("destination_bucket_id", "bucket_id")
_FILE_FIELDS = ("large_file_id", "file_id", "source_file_id")

# The field of those lists that count as a transaction for each thousand rows asked for.
_ROWS_ASKED = {
    "b2_list_file_names": "max_file_count",
    "b2_list_file_versions": "max_file_count",
    "b2_list_keys": "max_key_count",
}
_ROWS_A_TRANSACTION = 1000


def transactions_of(call: str, body: Body | list[Body]) -> int:
    """How many transactions a JSON call is."""
    field = _ROWS_ASKED.get(call)
    if field is None:
        return 1
    rows = getattr(body, field) or limits.NATIVE_LIST_DEFAULT
    return max(1, -(-min(rows, limits.NATIVE_LIST_MAX) // _ROWS_A_TRANSACTION))


def subject_of(body: Body | list[Body]) -> tuple[str | None, str | None]:
    """The id of the bucket, or else that of the file, with which a JSON call has to do, as its body says."""
    return _first(body, _BUCKET_FIELDS), _first(body, _FILE_FIELDS)


def _first(body: Body | list[Body], fields: tuple[str, ...]) -> str | None:
    return next((value for field in fields if (value := getattr(body, field, None)) is not None), None)
