"""The framing that a request's headers say, as far as the parser leaves it open."""

from __future__ import annotations

import pytest

from undercroft import limits
from undercroft.http import refusal
from undercroft.http.head import Framing, Refused, read_framing

HOST = (b"host", b"a")
CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize(
    ("headers", "framing"),
    [
        ([HOST], Framing(0, expects_continue=False)),
        ([HOST, (b"content-length", b" 5 ")], Framing(5, expects_continue=False)),
        ([HOST, CHUNKED], Framing(None, expects_continue=False)),
        ([HOST, (b"transfer-encoding", b" Chunked\t")], Framing(None, expects_continue=False)),
        ([HOST, CHUNKED, (b"expect", b"100-continue")], Framing(None, expects_continue=True)),
    ],
)
def test_the_framing_is_what_the_headers_say(headers, framing):
    assert read_framing(headers, "1.1") == framing


@pytest.mark.parametrize("digits", [limits.CONTENT_LENGTH_DIGITS_MAX - 1, limits.CONTENT_LENGTH_DIGITS_MAX])
def test_a_length_may_begin_with_zeros(digits):
    length = b" " + b"7".zfill(digits) + b" "
    assert read_framing([HOST, (b"content-length", length)], "1.1") == Framing(7, expects_continue=False)


@pytest.mark.parametrize("digits", [limits.CONTENT_LENGTH_DIGITS_MAX + 1, 5_000])
def test_a_length_of_more_digits_than_any_number_of_64_bits_is_refused(digits):
    with pytest.raises(Refused) as caught:
        read_framing([HOST, (b"content-length", b"7".zfill(digits))], "1.1")
    assert caught.value.reason is refusal.BAD_REQUEST


def test_http_1_0_has_no_codings_and_needs_no_host():
    with pytest.raises(Refused) as caught:
        read_framing([HOST, CHUNKED], "1.0")
    assert caught.value.reason is refusal.BAD_REQUEST
    assert read_framing([(b"content-length", b"5")], "1.0") == Framing(5, expects_continue=False)


@pytest.mark.parametrize("coding", [b"gzip", b"identity", b"chunked, gzip", b""])
def test_other_codings_are_refused(coding):
    with pytest.raises(Refused) as caught:
        read_framing([HOST, (b"transfer-encoding", coding)], "1.1")
    assert caught.value.reason is refusal.CODING_UNSUPPORTED


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0", "9.9"])
def test_other_versions_are_refused(version):
    with pytest.raises(Refused) as caught:
        read_framing([HOST], version)
    assert caught.value.reason is refusal.VERSION_UNSUPPORTED
