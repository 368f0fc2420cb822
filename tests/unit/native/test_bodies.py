from __future__ import annotations

import pytest

from undercroft.native.bodies import Body, BodyReader
from undercroft.native.calls import CALLS
from undercroft.native.encryption import EncryptionSetting
from undercroft.native.errors import BadRequest


class Example(Body):
    bucket_id: str
    max_file_count: int | None = None
    flag: bool | None = None
    bucket_types: list[str] | None = None
    file_info: dict[str, str] | None = None
    encryption: EncryptionSetting | None = None


READER = BodyReader(Example)


def test_null_is_absent():
    nulls = b'{"bucketId": "x", "maxFileCount": null, "flag": null, "bucketTypes": null, "fileInfo": null}'
    assert READER.from_json(nulls) == READER.from_json(b'{"bucketId": "x"}') == Example(bucket_id="x")


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b'{"bucketId": "x", "bogus": 1}', "bogus"),
        (b'{"bucket_id": "x"}', "bucket"),
        (b"{}", "bucketId"),
        (b"", "bucketId"),
        (b'{"bucketId": null}', "bucketId"),
        (b'{"bucketId": "x", "maxFileCount": "5"}', "maxFileCount"),
        (b'{"bucketId": "x", "maxFileCount": 5.5}', "maxFileCount"),
        (b'{"bucketId": "x", "flag": 1}', "flag"),
        (b'{"bucketId": "x", "bucketTypes": "all"}', "bucketTypes"),
        (b'{"bucketId": "x", "encryption": {"mode": "SSE-B2", "bogus": 1}}', "bogus"),
    ],
)
def test_a_field_outside_its_type_is_refused_by_name(raw, named):
    with pytest.raises(BadRequest, match=named):
        READER.from_json(raw)


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b"null", b"{}x", b"\xff", b'{"bucketId": "\xff"}', b"[" * 99_999, b'{"encryption":' * 99_999]
)
def test_what_is_no_object_is_refused(raw):
    with pytest.raises(BadRequest):
        READER.from_json(raw)


def test_a_query_says_the_same_as_a_body():
    pairs = [
        ("bucketId", "x"), ("maxFileCount", "5"), ("flag", "true"), ("bucketTypes", "a,b"), ("bucketTypes", '["c"]'),
        ("fileInfo", '{"k": "v"}'), ("encryption", '{"mode": null}'),
    ]  # fmt: skip
    assert READER.from_query(pairs) == Example(
        bucket_id="x", max_file_count=5, flag=True, bucket_types=["a", "b", "c"], file_info={"k": "v"},
        encryption=EncryptionSetting(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("bucketId", "x"), ("bucketId", "y")],
        [("bucketId", "x"), ("bogus", "1")],
        [("bucketId", "x"), ("maxFileCount", "five")],
        [("bucketId", "x"), ("bucketTypes", "[1")],
        [("bucketId", "x"), ("bucketTypes", "[1]")],
        [("bucketId", "x"), ("fileInfo", "text")],
        [("bucketId", "x"), ("fileInfo", "[" * 9999)],
    ],
)
def test_queries_outside_the_types_are_refused(pairs):
    with pytest.raises(BadRequest):
        READER.from_query(pairs)


def test_every_json_call_of_the_reference_is_there():
    assert set(CALLS) == {
        "b2_cancel_large_file", "b2_copy_file", "b2_copy_part", "b2_create_bucket", "b2_create_key", "b2_delete_bucket",
        "b2_delete_file_version", "b2_delete_key", "b2_finish_large_file", "b2_get_bucket_notification_rules",
        "b2_get_download_authorization", "b2_get_file_info", "b2_get_upload_part_url", "b2_get_upload_url", "b2_hide_file", "b2_list_buckets",
        "b2_list_file_names", "b2_list_file_versions", "b2_list_keys", "b2_list_parts",
        "b2_list_unfinished_large_files", "b2_set_bucket_notification_rules", "b2_start_large_file", "b2_update_bucket",
        "b2_update_file_legal_hold", "b2_update_file_retention",
        "b2_create_group_member", "b2_eject_group_member", "b2_list_group_members", "b2_list_groups",
        "b2_reserve_trial_create_account",
    }  # fmt: skip
