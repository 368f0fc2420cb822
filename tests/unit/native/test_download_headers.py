from __future__ import annotations

import pytest

from undercroft import limits
from undercroft.native.download_headers import download_headers
from undercroft.native.errors import BadRequest
from undercroft.native.response_overrides import OVERRIDES, Overrides, overrides_of
from undercroft.store.ids import FileId
from undercroft.store.model import Action, Bucket, FileVersion

BUCKET_ID = "1df2dee6ab62f7f577c70e1a"


def headers(*, content_type="text/plain", info=None, bucket_info=None, overrides=None):
    version = FileVersion(
        BUCKET_ID, "d2e6b27577ea", "n", FileId(BUCKET_ID, 1, 5, 1000), Action.UPLOAD, 4, content_type, "s" * 40,
        "e" * 32, None, info or {}, 7, 7, 0,
    )  # fmt: skip
    bucket = Bucket(BUCKET_ID, "d2e6b27577ea", "bucket", "allPrivate", 2, 0, bucket_info or {}, [], [])
    pairs = download_headers(version, bucket, overrides or {})
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def test_every_special_entry_becomes_its_header_once():
    info = {"b2-content-language": "de", "b2-cache-control": "max-age=1", "plain": "a b"}
    found = headers(info=info, overrides={"b2ContentLanguage": "fr"})
    assert found[b"content-language"] == b"fr"
    assert found[b"cache-control"] == b"max-age=1"
    assert found[b"x-bz-info-plain"] == b"a%20b"
    assert not any(name.startswith(b"x-bz-info-b2-") for name in found)


def test_the_bucket_gives_a_cache_control_where_the_file_has_none():
    bucket_info = {"cache-control": "max-age=9", "b2-cache-control": "max-age=8"}
    assert headers(bucket_info=bucket_info)[b"cache-control"] == b"max-age=8"
    assert headers(bucket_info=bucket_info, info={"b2-cache-control": "x"})[b"cache-control"] == b"x"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "Text/HTML;charset=x",
        "image/svg+xml",
        "application/xml",
        "multipart/x-mixed-replace",
        "message/rfc822",
    ],
)
def test_types_that_browsers_render_are_sandboxed(content_type):
    assert headers(content_type=content_type)[b"content-security-policy"] == b"sandbox"
    assert headers(overrides={"b2ContentType": content_type})[b"content-security-policy"] == b"sandbox"


@pytest.mark.parametrize("content_type", ["text/plain", "image/png", "application/pdf", "application/octet-stream"])
def test_other_types_are_not(content_type):
    assert b"content-security-policy" not in headers(content_type=content_type)
    assert headers(content_type=content_type)[b"x-content-type-options"] == b"nosniff"


@pytest.mark.parametrize("value", ["na\xefve", "自"])
def test_values_of_the_s3_face_which_reads_them_as_utf_8_keep_their_bytes(value):
    assert headers(info={"b2-content-disposition": value})[b"content-disposition"] == value.encode()
    assert headers(content_type=f"text/{value}")[b"content-type"] == f"text/{value}".encode()


def test_overrides_are_picked_from_parameters_and_checked():
    assert overrides_of({}) == {}
    assert overrides_of({"fileId": "x", "b2ContentType": "a/b"}) == {"b2ContentType": "a/b"}
    with pytest.raises(BadRequest, match="b2Expires"):
        overrides_of({"b2Expires": "never"})


def test_overrides_together_have_a_budget():
    half = "a" * (limits.FILE_INFO_MAX_BYTES // 2)
    with pytest.raises(BadRequest, match="exceed"):
        overrides_of({"b2CacheControl": half, "b2ContentEncoding": half})


def test_a_body_can_name_every_override():
    values = dict.fromkeys(OVERRIDES, "de") | {"b2Expires": "Sun, 06 Nov 1994 08:49:37 GMT"}
    body = Overrides(
        b2_content_disposition="de", b2_content_language="de", b2_expires=values["b2Expires"], b2_cache_control="de",
        b2_content_encoding="de", b2_content_type="de",
    )  # fmt: skip
    assert body.checked() == values
