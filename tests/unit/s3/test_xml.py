from __future__ import annotations

import re
from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft import limits
from undercroft.http.errors import MalformedXML
from undercroft.http.xml_in import children, parse_document
from undercroft.http.xml_out import NAMESPACE, document, element, escape
from undercroft.s3.actions.delete_objects import parse_deletions
from undercroft.s3.answers import error_answer
from undercroft.s3.errors import S3Error, from_http_error
from undercroft.s3.listing import after_prefix
from undercroft.s3.part_list import PartList
from undercroft.s3.tokens import read_token, write_token
from undercroft.s3.xml_in import boolean, fields, positive
from undercroft.s3.xml_out import iso_time, url_encode

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def malformed(body: bytes, root: str = "Delete") -> str:
    with pytest.raises((S3Error, MalformedXML)) as caught:
        fields(parse_document(body, root), {"Quiet"})
    error = from_http_error(caught.value) if isinstance(caught.value, MalformedXML) else caught.value
    assert error.code == "MalformedXML"
    return error.message


@pytest.mark.parametrize(
    "body",
    [
        b"<Delete><Quiet>true</Quiet></Delete>",
        f'<Delete xmlns="{NAMESPACE}"><Quiet>true</Quiet></Delete>'.encode(),
        f'<?xml version="1.0"?><s3:Delete xmlns:s3="{NAMESPACE}"><s3:Quiet>true</s3:Quiet></s3:Delete>'.encode(),
        b"<!-- hello --><Delete><?pi?><Quiet>true<!-- hello --></Quiet></Delete>",
        '<?xml version="1.0" encoding="UTF-16"?><Delete><Quiet>true</Quiet></Delete>'.encode("utf-16"),
    ],
)
def test_documents_are_read_by_local_names_whatever_surrounds_them(body):
    assert fields(parse_document(body, "Delete"), {"Quiet"}) == {"Quiet": "true"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no xml",
        b"<Delete>",
        b"<Other/>",
        b"<Delete><Unknown/></Delete>",
        b"<Delete><Quiet>true</Quiet><Quiet>true</Quiet></Delete>",
        b"<Delete><Quiet><Deeper/></Quiet></Delete>",
        b'<!DOCTYPE Delete [<!ENTITY a "b">]><Delete><Quiet>&a;</Quiet></Delete>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE Delete><Delete/>'.encode("utf-16"),
        b'<Delete xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="/etc/passwd"/></Delete>',
    ],
)
def test_documents_that_are_broken_or_unexpected_are_malformed(body):
    malformed(body)


def test_an_entity_is_never_expanded():
    bomb = b'<!DOCTYPE D [<!ENTITY a "0123456789"><!ENTITY b "&a;&a;&a;&a;">]><Delete><Quiet>&b;</Quiet></Delete>'
    assert "document type" in malformed(bomb)


@pytest.mark.parametrize(("over", "accepted"), [(-1, True), (0, True), (1, False)])
def test_the_number_of_tags_has_a_limit(over, accepted):
    empty = limits.XML_TAGS_MAX - 2 + over
    body = b"<Delete>" + b"<Quiet/>" * empty + b"</Delete>"
    if accepted:
        assert len(parse_document(body, "Delete")) == empty
    else:
        assert "more elements" in malformed(body)


def test_the_longest_list_of_parts_is_below_the_limit_of_tags():
    part = b"<Part><PartNumber>%d</PartNumber><ETag>a</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>"
    listed = b"".join(part % number for number in range(1, limits.PART_NUMBER_MAX + 1))
    assert (
        len(PartList(b"<CompleteMultipartUpload>%b</CompleteMultipartUpload>" % listed).etags) == limits.PART_NUMBER_MAX
    )


@pytest.mark.parametrize(("depth", "accepted"), [(-1, True), (0, True), (1, False)])
def test_nesting_has_a_limit(depth, accepted):
    levels = limits.XML_DEPTH_MAX + depth
    body = b"<Delete>" + b"<a>" * (levels - 1) + b"</a>" * (levels - 1) + b"</Delete>"
    if accepted:
        assert len(list(children(parse_document(body, "Delete"), {"a"}))) == 1
    else:
        assert "deeply" in malformed(body)


def test_white_space_and_line_breaks_in_keys_are_kept():
    body = b"<Delete><Object><Key> a&#xD;&#xA; </Key></Object></Delete>"
    deletions, quiet = parse_deletions(body)
    assert [deletion.key for deletion in deletions] == [" a\r\n "]
    assert not quiet


@pytest.mark.parametrize(("count", "accepted"), [(0, False), (1, True), (999, True), (1000, True), (1001, False)])
def test_a_request_deletes_one_to_a_thousand_objects(count, accepted):
    body = b"<Delete><Quiet>true</Quiet>" + b"<Object><Key>k</Key></Object>" * count + b"</Delete>"
    if accepted:
        assert len(parse_deletions(body)[0]) == count
    else:
        with pytest.raises(S3Error, match="MalformedXML"):
            parse_deletions(body)


def test_an_object_to_delete_has_a_key():
    for item in (b"<Object/>", b"<Object><Key/></Object>"):
        with pytest.raises(S3Error, match="MalformedXML"):
            parse_deletions(b"<Delete>" + item + b"</Delete>")


@pytest.mark.parametrize("text", ["true", " TRUE ", "false"])
def test_truth_values_are_words(text):
    assert boolean(text) is (text.strip().lower() == "true")
    with pytest.raises(S3Error, match="MalformedXML"):
        boolean(text + "x")


def test_parts_are_read_with_quoted_and_bare_etags_in_any_order_of_elements():
    parts = PartList(
        b"<CompleteMultipartUpload><Part><ETag>&quot;0a&quot;</ETag><PartNumber>2</PartNumber>"
        b"<ChecksumCRC32>DUoRhQ==</ChecksumCRC32></Part>"
        b"<Part><PartNumber> 1 </PartNumber><ETag>0b</ETag></Part></CompleteMultipartUpload>"
    )
    assert parts.etags == [(2, "0a"), (1, "0b")]
    assert parts.checksums == {2: ("crc32", "DUoRhQ==")}
    assert parts.etag.endswith("-2")


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("", "MalformedXML"),
        ("<Part><PartNumber>1</PartNumber></Part>", "MalformedXML"),
        ("<Part><ETag>a</ETag></Part>", "MalformedXML"),
        ("<Part><PartNumber>0</PartNumber><ETag>a</ETag></Part>", "InvalidArgument"),
        ("<Part><PartNumber>10001</PartNumber><ETag>a</ETag></Part>", "InvalidArgument"),
        ("<Part><PartNumber>x</PartNumber><ETag>a</ETag></Part>", "InvalidArgument"),
        (
            "<Part><PartNumber>1</PartNumber><ETag>a</ETag><ChecksumCRC32>bad</ChecksumCRC32></Part>",
            "InvalidArgument",
        ),
        (
            "<Part><PartNumber>1</PartNumber><ETag>a</ETag><ChecksumCRC32>DUoRhQ==</ChecksumCRC32>"
            "<ChecksumCRC32C>yZRlqg==</ChecksumCRC32C></Part>",
            "InvalidArgument",
        ),
        (
            "<Part><PartNumber>1</PartNumber><ETag>a</ETag><ChecksumSHA512>aaaa</ChecksumSHA512></Part>",
            "InvalidArgument",
        ),
    ],
)
def test_lists_of_parts_that_cannot_be_are_refused(part, code):
    with pytest.raises(S3Error) as caught:
        PartList(f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>".encode())
    assert caught.value.code == code


@given(NAMES)
def test_what_is_escaped_is_well_formed_or_a_numeric_reference(text):
    written = document("R", element("Key", text))
    illegal = re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text)
    if illegal is None:
        root = ET.fromstring(written)
        assert root.findtext(f"{{{NAMESPACE}}}Key") == text
    else:
        assert f"&#x{ord(illegal[0]):x};".encode() in written


def test_a_carriage_return_survives_a_parser():
    assert escape("a\r\nb") == "a&#13;\nb"


@given(NAMES)
def test_url_encoding_is_undone_by_the_form_rules_that_clients_use(text):
    encoded = url_encode(text)
    assert unquote_plus(encoded) == text
    assert "+" not in encoded


def test_url_encoding_keeps_slashes_and_writes_spaces_as_ceph_wants():
    assert url_encode("a b/c+d\x01ü") == "a%20b/c%2Bd%01%C3%BC"


def test_times_have_milliseconds_cut_off():
    assert iso_time(0) == "1970-01-01T00:00:00.000Z"
    assert iso_time(1_797_333_021_999) == "2026-12-15T11:10:21.999Z"


def test_an_error_document_has_its_elements_in_order_and_repeats_the_request_id():
    error = S3Error("NoSuchKey", extras={"Key": "a<b"})
    answer = error_answer(error, "GET", "/b/a%3Cb", "0123456789ABCDEF", "host")
    assert answer.status == 404
    assert isinstance(answer.body, bytes)
    root = ET.fromstring(answer.body)
    assert [child.tag for child in root] == ["Code", "Message", "Key", "Resource", "RequestId", "HostId"]
    assert root.findtext("Key") == "a<b"
    assert root.findtext("RequestId") == "0123456789ABCDEF"


@given(st.text(st.characters(codec="utf-16-le", max_codepoint=0xFFFF), max_size=20))
def test_an_error_document_is_readable_whatever_it_repeats(text):
    error = S3Error("InvalidArgument", f"The message has {text}.", extras={"ArgumentValue": text})
    answer = error_answer(error, "GET", f"/b/{text}", "0123456789ABCDEF", "host")
    assert isinstance(answer.body, bytes)
    assert ET.fromstring(answer.body).findtext("RequestId") == "0123456789ABCDEF"


def test_the_errors_of_head_have_no_body():
    assert error_answer(S3Error("NoSuchKey"), "HEAD", "/b/k", "id", "host").body == b""


@given(NAMES)
def test_a_continuation_token_gives_back_its_name_and_is_safe_in_a_url(name):
    token = write_token(name)
    assert read_token(token) == name
    assert re.fullmatch(r"[A-Za-z0-9_=-]+", token)


@pytest.mark.parametrize("token", ["x", "????", "MQ", "/w==", "Mg==", "Mf8=", "ü"])
def test_a_token_of_somebody_else_is_refused(token):
    with pytest.raises(S3Error) as caught:
        read_token(token)
    assert caught.value.code == "InvalidArgument"


@given(NAMES.filter(bool), NAMES)
def test_what_follows_a_prefix_follows_everything_under_it_and_nothing_lies_between(prefix, other):
    following = after_prefix(prefix).encode()
    assert (prefix + other).encode() < following
    if not other.startswith(prefix) and other > prefix:
        assert other.encode() >= following


@pytest.mark.parametrize(("prefix", "following"), [("\ud7ff", "\ue000"), ("a\U0010ffff", "b"), ("/", "0")])
def test_what_follows_a_prefix_is_made_of_characters(prefix, following):
    assert after_prefix(prefix) == following


@pytest.mark.parametrize(("text", "number"), [("1", 1), (" 99 ", 99), ("007", 7), ("100", 100), ("9" * 5000, 101)])
def test_a_positive_number_is_read_and_one_that_is_far_too_large_is_just_too_large(text, number):
    assert positive("Days", text, 100) == number


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "MalformedXML"), ("x", "MalformedXML"), ("1.0", "MalformedXML"), ("٣", "MalformedXML"), ("--1", "MalformedXML"),
     ("0", "InvalidArgument"), ("000", "InvalidArgument"), ("-1", "InvalidArgument")],
)  # fmt: skip
def test_a_number_that_is_none_or_not_positive_is_refused(text, code):
    with pytest.raises(S3Error, match=code):
        positive("Days", text, 100)
