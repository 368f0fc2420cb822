from __future__ import annotations

import pytest

from undercroft.http.request import Request
from undercroft.native.errors import BadRequest
from undercroft.native.file_info import checked_info, info_of_headers


def request(*headers):
    scope = {
        "method": "POST", "raw_path": b"/", "query_string": b"", "scheme": "http", "client": None,
        "headers": list(headers),
    }  # fmt: skip
    return Request.of_scope(scope, None)


def test_keys_are_folded_and_values_kept():
    assert checked_info({"Abc": "Ä\n", "d": ""}) == {"abc": "Ä\n", "d": ""}
    assert checked_info(None) == {}


def test_keys_that_differ_in_their_case_alone_clash():
    with pytest.raises(BadRequest):
        checked_info({"a": "1", "A": "2"})


@pytest.mark.parametrize("key", ["b2-", "b2-bogus", "B2-Content-Type"])
def test_reserved_keys_are_refused(key):
    with pytest.raises(BadRequest, match="reserved"):
        checked_info({key: "x"})


def test_special_entries_must_fit_the_headers_they_become():
    assert checked_info({"B2-Expires": "Sun, 06 Nov 1994 08:49:37 GMT"}) == {
        "b2-expires": "Sun, 06 Nov 1994 08:49:37 GMT"
    }
    with pytest.raises(BadRequest, match="b2-expires"):
        checked_info({"b2-expires": "later"})


def test_headers_become_entries():
    found = info_of_headers(request((b"x-bz-info-a", b" v+1%2B "), (b"x-bz-other", b"x"), (b"x-bz-info-b", b"")))
    assert found == {"a": "v 1+", "b": ""}
    assert info_of_headers(request()) == {}


def test_a_header_given_twice_is_refused():
    with pytest.raises(BadRequest, match="twice"):
        info_of_headers(request((b"x-bz-info-a", b"1"), (b"x-bz-info-a", b"2")))
