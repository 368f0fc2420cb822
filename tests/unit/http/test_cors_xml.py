"""CORS rules in S3's XML: what is written is read again as it was, and what is hostile is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft import limits
from undercroft.http.cors_xml import XMLRule, parse_rules, rules_document
from undercroft.http.errors import MalformedXML
from undercroft.store.buckets.cors import S3_METHODS, S3Rule, document_of, rules_for_s3, with_s3_rules

# What XML can hold as it is, without spaces around it, which readers drop.
_TEXTS = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=30)  # fmt: skip
_WORDS = _TEXTS.map(str.strip).filter(bool)
_LISTS = st.lists(_WORDS, max_size=4)
_ANY_RULE = st.builds(
    XMLRule,
    st.none() | _WORDS,
    st.lists(_WORDS, min_size=1, max_size=4),
    st.lists(_WORDS, min_size=1, max_size=4, unique=True),
    _LISTS,
    _LISTS,
    st.none() | st.integers(0, 999_999_999),
)
_HEADERS = st.lists(st.sampled_from(["x-a", "etag", "x-amz-meta-b"]), max_size=3)
_STORABLE_RULE = st.builds(
    S3Rule,
    st.none() | _WORDS,
    st.lists(st.sampled_from(["*", "https", "https://*.example.com", "http://localhost:3000"]), min_size=1, max_size=3),
    st.lists(st.sampled_from(sorted(S3_METHODS.values())), min_size=1, unique=True),
    _HEADERS,
    _HEADERS,
    st.none() | st.integers(0, limits.CORS_MAX_AGE_S),
)
RULE = "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>{}</CORSRule>"


@given(st.lists(_ANY_RULE, min_size=1, max_size=5))
def test_a_document_that_is_written_is_read_as_the_same_rules(rules):
    assert parse_rules(rules_document(rules)) == rules


@given(st.lists(_STORABLE_RULE, min_size=1, max_size=5, unique_by=lambda rule: rule.rule_id or object()))
def test_rules_that_are_stored_are_exported_as_they_were_imported(rules):
    native = [
        {
            "corsRuleName": "native-rule",
            "allowedOrigins": ["*"],
            "allowedOperations": ["b2_upload_file"],
            "maxAgeSeconds": 1,
        }
    ]
    stored = with_s3_rules(native, [document_of(rule) for rule in rules])
    assert stored[: len(native)] == native
    exported = rules_document(XMLRule(*rule) for rule in rules_for_s3(stored))
    assert [S3Rule(*rule) for rule in parse_rules(exported)] == rules
    assert with_s3_rules(stored, [document_of(S3Rule(*rule)) for rule in parse_rules(exported)]) == stored


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE CORSConfiguration SYSTEM "file:///etc/passwd"><CORSConfiguration>{rule}</CORSConfiguration>',
        '<!DOCTYPE x [<!ENTITY a "b">]><CORSConfiguration>{rule}</CORSConfiguration>',
        "<CORSConfiguration>&a;{rule}</CORSConfiguration>",
        "<CORSConfiguration/>",
        "<CORSConfiguration>{rule}<X/></CORSConfiguration>",
        "<CORSConfiguration><CORSRule>{deep}</CORSRule></CORSConfiguration>",
        "<CORSConfiguration>{many}</CORSConfiguration>",
        "<LifecycleConfiguration>{rule}</LifecycleConfiguration>",
        "[]",
        "",
    ],
)
def test_a_hostile_document_is_refused(body):
    deep = "<a>" * limits.XML_DEPTH_MAX + "</a>" * limits.XML_DEPTH_MAX
    many = "<a/>" * limits.XML_TAGS_MAX
    with pytest.raises(MalformedXML):
        parse_rules(body.format(rule=RULE.format(""), deep=deep, many=many).encode())
