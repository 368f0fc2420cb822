from __future__ import annotations

import pytest

from undercroft.native.errors import BadRequest
from undercroft.native.unsupported import Encryption, refuse_encryption


def test_forms_that_ask_for_nothing_pass():
    refuse_encryption("field", None)
    refuse_encryption("field", Encryption())
    refuse_encryption("field", Encryption(mode="none"))


@pytest.mark.parametrize(
    "refuse",
    [
        lambda: refuse_encryption("field", Encryption(mode="SSE-B2", algorithm="AES256")),
        lambda: refuse_encryption("field", Encryption(algorithm="AES256")),
        lambda: refuse_encryption("field", Encryption(customer_key="x")),
    ],
)
def test_forms_that_ask_for_something_are_refused(refuse):
    with pytest.raises(BadRequest, match="not supported"):
        refuse()
