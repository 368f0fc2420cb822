"""The lines of access logs: their fields, and what no client can do to them."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_to_bytes

import pytest

from harness.stores import START_MS
from undercroft import limits
from undercroft.store.model import Bucket
from undercroft.store.work.access_log_lines import Access, line_of, without_secrets

BUCKET = Bucket("b" * 24, "a" * 12, "source-bucket", "allPrivate", 2, START_MS, {}, [], [])
# What Amazon's own guide has readers of its logs match (Amazon S3, "Querying access logs with Athena").
AMAZONS = re.compile(
    r'([^ ]*) ([^ ]*) \[(.*?)\] ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ("[^"]*"|-) (-|[0-9]*) ([^ ]*) ([^ ]*) ([^ ]*) '
    r'([^ ]*) ([^ ]*) ([^ ]*) ("[^"]*"|-) ([^ ]*)(?: ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*))?.*'
)
FIELDS = re.compile(r'"[^"]*"|\[[^]]*\]|[^ ]+')
HOSTILE = 'a b"c\\d\r\ne\0é[x]'


def access(**given):
    return Access(
        **{
            "method": "GET",
            "target": b"/b/k",
            "operation": "REST.S3_GET_OBJECT",
            "status": 200,
            "began_ms": START_MS,
            **given,
        }
    )


def fields(**given):
    line = line_of(BUCKET, access(**given)).decode("ascii")
    assert line.endswith("\n")
    assert line.count("\n") == 1
    return FIELDS.findall(line[:-1])


def test_a_line_has_the_fields_of_s3_in_their_order():
    told = access(
        address="192.0.2.3", key_id="000k", request_id="3E57427F3EXAMPLE", name="a folder/käse", sent_bytes=5,
        object_size=50, total_ms=12, ready_ms=7, referrer=b"https://example.com/a?b=c", agent=b"aws-cli/1.2 (x; y)",
        version_id="4_z", host_id="abc=", signature_version="SigV4", authentication="AuthHeader", host=b"localhost:8620",
        target=b"/source-bucket/a%20folder/k%C3%A4se?versionId=4_z", error_code="",
    )  # fmt: skip
    assert line_of(BUCKET, told).decode("ascii") == (
        "aaaaaaaaaaaa source-bucket [15/Jan/2027:08:00:00 +0000] 192.0.2.3 000k 3E57427F3EXAMPLE REST.S3_GET_OBJECT "
        'a%20folder/k%C3%A4se "GET /source-bucket/a%20folder/k%C3%A4se?versionId=4_z HTTP/1.1" 200 - 5 50 12 7 '
        '"https://example.com/a?b=c" "aws-cli/1.2 (x; y)" 4_z abc= SigV4 - AuthHeader localhost:8620 - -\n'
    )
    assert AMAZONS.fullmatch(line_of(BUCKET, told).decode("ascii").rstrip()) is not None


def test_what_is_unknown_is_a_hyphen():
    assert fields()[3:8] == ["-", "-", "-", "REST.S3_GET_OBJECT", "-"]
    assert fields()[10:13] == ["-", "-", "-"]
    assert fields()[15:] == ['"-"', '"-"', *["-"] * 8]


@pytest.mark.parametrize("member", ["name", "address", "key_id", "request_id", "error_code", "version_id", "method"])
def test_no_text_of_a_client_makes_another_field_or_line(member):
    assert len(fields(**{member: HOSTILE})) == 25


@pytest.mark.parametrize("member", ["target", "referrer", "agent", "host"])
def test_no_bytes_of_a_client_make_another_field_or_line(member):
    got = fields(**{member: HOSTILE.encode() + b'\xff" 200 - - - -'})
    assert len(got) == 25
    assert not re.search(r"[^\x20-\x7e]|\\", "".join(got))


def test_a_long_value_is_cut_off():
    line = line_of(
        BUCKET, access(agent=b"\xff" * 50_000, target=b"/" * 16_000, referrer=b'"' * 50_000, host=b"h" * 9000)
    )
    assert len(line) < 4 * 3 * limits.ACCESS_LOG_VALUE_MAX_BYTES


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (b"/b/k", b"/b/k"),
        (b"/b/k?list-type=2&prefix=a", b"/b/k?list-type=2&prefix=a"),
        (b"/b/k?X-Amz-Credential=k&X-Amz-Signature=0123&x=1", b"/b/k?X-Amz-Credential=k&X-Amz-Signature=REDACTED&x=1"),
        (b"/file/b/k?Authorization=3_2026", b"/file/b/k?Authorization=REDACTED"),
        (b"/b/k?%41uthorization=3_2026", b"/b/k?%41uthorization=REDACTED"),
        (
            b"/b/k?x-amz-server-side-encryption-customer-key=c2Vj",
            b"/b/k?x-amz-server-side-encryption-customer-key=REDACTED",
        ),
        (b"/b/k?X-Amz-Security-Token=t", b"/b/k?X-Amz-Security-Token=REDACTED"),
    ],
)
def test_p8_no_line_tells_a_secret_of_a_url(url, shown):
    assert without_secrets(url) == shown
    assert shown.decode() in fields(target=url)[8]
    assert fields(referrer=b"https://h" + url)[15] == f'"https://h{shown.decode()}"'


def test_every_character_is_either_as_it_came_or_percent_encoded():
    every = "".join(map(chr, range(256)))
    for character in every:
        got = fields(name=character, key_id=character, agent=character.encode("latin-1"))
        assert len(got) == 25
        assert unquote(got[7]) == character
        assert unquote(got[4]) == character
        assert unquote_to_bytes(got[16][1:-1]) == character.encode("latin-1")
