"""Which class of transaction each native call is, and how many."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from undercroft.native.app import _KNOWN
from undercroft.native.errors import DOWNLOAD_BY_NAME
from undercroft.native.transactions import CLASSES, transactions_of


def test_every_call_has_a_class():
    assert _KNOWN | {DOWNLOAD_BY_NAME} <= CLASSES.keys()


@pytest.mark.parametrize(
    ("call", "transaction_class"),
    [
        ("b2_upload_file", "A"), ("b2_delete_file_version", "A"), ("b2_hide_file", "A"), ("b2_cancel_large_file", "A"),
        ("b2_download_file_by_name", "B"), ("b2_get_file_info", "B"), ("b2_authorize_account", "C"),
        ("b2_copy_file", "C"), ("b2_list_file_names", "C"),
    ],
)  # fmt: skip
def test_calls_have_the_class_that_b2_gives_them(call, transaction_class):
    assert CLASSES[call] == transaction_class


@pytest.mark.parametrize(
    ("rows", "transactions"),
    [(None, 1), (0, 1), (1, 1), (1000, 1), (1001, 2), (10_000, 10), (10_001, 10), (2**70, 10), (-5, 1)],
)
def test_lists_of_files_and_keys_count_once_for_each_thousand_rows_asked_for(rows, transactions):
    files, keys = SimpleNamespace(max_file_count=rows), SimpleNamespace(max_key_count=rows)
    assert transactions_of("b2_list_file_names", files) == transactions
    assert transactions_of("b2_list_file_versions", files) == transactions
    assert transactions_of("b2_list_keys", keys) == transactions
    assert transactions_of("b2_list_unfinished_large_files", files) == 1
