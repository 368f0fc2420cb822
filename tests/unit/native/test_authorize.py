from __future__ import annotations

from base64 import b64encode

import pytest

from undercroft.native.authorize import basic_credentials
from undercroft.native.errors import NativeError


def basic(text):
    return b"Basic " + b64encode(text.encode())


@pytest.mark.parametrize("key_id", ["d2e6b27577ea", "000d2e6b27577ea0000000001"])
def test_id_and_secret_are_taken_apart_at_the_first_colon(key_id):
    assert basic_credentials(basic(f"{key_id}:K000a:b")) == (key_id, "K000a:b")
    assert basic_credentials(basic(f"{key_id}:").replace(b"Basic", b"basic ")) == (key_id, "")


@pytest.mark.parametrize(
    "header",
    [
        None, b"", b"Basic", b"Basic ***", b"Bearer abc", b"Basic /w==", basic(""), basic("x:y"), basic("D2E6B27577EA:x"),
        basic("d2e6b27577ea\n:x"), basic("d2e6b27577eaa:x"),
    ],
)  # fmt: skip
def test_anything_else_is_challenged(header):
    with pytest.raises(NativeError) as refused:
        basic_credentials(header)
    assert (refused.value.status, refused.value.code, refused.value.message) == (401, "bad_auth_token", "")
    assert refused.value.headers == [(b"www-authenticate", b'BASIC realm="authorize_account"')]
