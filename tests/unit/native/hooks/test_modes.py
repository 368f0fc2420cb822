"""The table of test modes, and the grammar in which they are asked for."""

from __future__ import annotations

import pytest

from undercroft.native.calls import CALLS
from undercroft.native.errors import AUTHORIZE_ACCOUNT, DOWNLOAD_BY_ID, DOWNLOAD_BY_NAME
from undercroft.native.hooks.modes import MODES, UPLOADS, Wish, parse_modes

OPERATIONS = {*CALLS, *UPLOADS, DOWNLOAD_BY_ID, DOWNLOAD_BY_NAME}


def test_a_mode_alone_has_the_chance_and_the_header_of_its_row():
    assert parse_modes("fail_some_uploads") == (Wish("fail_some_uploads", 4, None),)
    assert parse_modes("too_many_requests") == (Wish("too_many_requests", 1, 1),)


def test_modes_are_separated_by_commas_and_their_options_by_spaces():
    text = " service_unavailable 1/20  retry-after=0 ,, cut_downloads retry-after=7 1/3,"
    assert parse_modes(text) == (Wish("service_unavailable", 20, 0), Wish("cut_downloads", 3, 7))
    assert parse_modes("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "bogus", "Service_Unavailable", "service_unavailable 0.1", "service_unavailable 1/0", "service_unavailable 2/3",
        "service_unavailable 1/10000000", "service_unavailable retry-after=-1", "service_unavailable retry-after=soon",
        "service_unavailable retry_after=1", "service_unavailable cut_downloads", "service_unavailable 1/²",
    ],
)  # fmt: skip
def test_what_is_no_mode_or_no_option_is_refused_with_what_there_is(text):
    with pytest.raises(ValueError, match=r"there are fail_some_uploads|expected 1/N or retry-after"):
        parse_modes(text)


def test_b2s_own_modes_are_there():
    assert {"fail_some_uploads", "expire_some_account_authorization_tokens", "force_cap_exceeded"} <= set(MODES)


@pytest.mark.parametrize("name", MODES)
def test_a_mode_falls_on_known_operations_and_never_on_authorizing(name):
    mode = MODES[name]
    assert mode.faults
    assert AUTHORIZE_ACCOUNT not in mode.faults
    assert mode.faults.keys() <= OPERATIONS
    for fault in filter(None, mode.faults.values()):
        assert 400 <= fault.status <= 503


def test_caps_are_those_of_what_is_capped():
    faults = MODES["force_cap_exceeded"].faults
    assert faults["b2_upload_file"].code == faults["b2_get_upload_url"].code == "storage_cap_exceeded"
    assert faults[DOWNLOAD_BY_NAME].code == faults[DOWNLOAD_BY_ID].code == "download_cap_exceeded"
    assert faults["b2_list_file_names"].code == faults["b2_get_file_info"].code == "transaction_cap_exceeded"
    # Transactions of class A are free, so no cap can keep anyone from deleting.
    assert not faults.keys() & {"b2_delete_file_version", "b2_cancel_large_file", "b2_delete_bucket", "b2_hide_file"}
