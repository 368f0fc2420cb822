from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from undercroft.s3.facts import FACTS
from undercroft.s3.headers import CHECKED, HARMLESS
from undercroft.s3.operations import OPERATIONS
from undercroft.store.operations import ALL_CAPABILITIES

ROOT = Path(__file__).resolve().parents[3]

# The headers that handlers read, by themselves or through what they share.
HONOURED = {
    "cache-control", "content-disposition", "content-encoding", "content-language", "content-length", "content-md5",
    "content-type", "expires", "if-match", "if-modified-since", "if-none-match", "if-unmodified-since", "range",
    "x-amz-acl", "x-amz-bucket-object-lock-enabled", "x-amz-bypass-governance-retention", "x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type", "x-amz-copy-source",
    "x-amz-copy-source-if-match", "x-amz-copy-source-if-modified-since", "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-unmodified-since", "x-amz-copy-source-range", "x-amz-expected-bucket-owner",
    "x-amz-max-parts", "x-amz-metadata-directive", "x-amz-mp-object-size", "x-amz-object-attributes",
    "x-amz-object-lock-legal-hold", "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date",
    "x-amz-part-number-marker", "x-amz-sdk-checksum-algorithm", "x-amz-source-expected-bucket-owner",
    "x-amz-server-side-encryption", "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key", "x-amz-server-side-encryption-customer-key-md5",
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-copy-source-server-side-encryption-customer-key", "x-amz-copy-source-server-side-encryption-customer-key-md5",
}  # fmt: skip


def test_the_committed_facts_are_those_of_the_installed_service_model():
    spec = importlib.util.spec_from_file_location("make_s3_model", ROOT / "tools" / "make_s3_model.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert json.loads(tool.FACTS_FILE.read_text(encoding="utf-8")) == tool.make_facts()


def test_the_table_of_operations_has_every_operation_of_the_facts_and_no_other():
    assert set(OPERATIONS) == set(FACTS)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_names_the_capability_it_needs(name):
    assert OPERATIONS[name].capability in ALL_CAPABILITIES


@pytest.mark.parametrize("name", sorted(name for name in FACTS if OPERATIONS[name].handler is not None))
def test_every_header_of_an_answered_operation_is_honoured_refused_or_harmless(name):
    dealt_with = HONOURED | set(CHECKED) | set(HARMLESS)
    ignored = {
        header
        for header in FACTS[name].headers - dealt_with
        # The checksums module refuses the algorithms that it does not have.
        if not header.startswith("x-amz-checksum-")
    }
    assert not ignored


def test_no_header_is_dealt_with_in_two_ways():
    assert not HONOURED & set(CHECKED)
    assert not HONOURED & set(HARMLESS)
    assert not set(CHECKED) & set(HARMLESS)


def test_every_refused_header_is_one_of_the_service_model():
    known = frozenset().union(*(facts.headers for facts in FACTS.values()))
    assert set(CHECKED) <= known
    assert set(HARMLESS) <= known
