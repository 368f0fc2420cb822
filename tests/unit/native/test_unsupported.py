from __future__ import annotations

import pytest

from undercroft.native.errors import BadRequest
from undercroft.native.unsupported import Encryption, Replication, refuse_encryption, refuse_replication


def test_forms_that_ask_for_nothing_pass():
    refuse_encryption("field", None)
    refuse_encryption("field", Encryption())
    refuse_encryption("field", Encryption(mode="none"))
    refuse_replication(None)
    refuse_replication(Replication())


@pytest.mark.parametrize(
    "refuse",
    [
        lambda: refuse_encryption("field", Encryption(mode="SSE-B2", algorithm="AES256")),
        lambda: refuse_encryption("field", Encryption(algorithm="AES256")),
        lambda: refuse_encryption("field", Encryption(customer_key="x")),
        lambda: refuse_replication(Replication(as_replication_source={"replicationRules": []})),
        lambda: refuse_replication(Replication(as_replication_destination={"x": "y"})),
    ],
)
def test_forms_that_ask_for_something_are_refused(refuse):
    with pytest.raises(BadRequest, match="not supported"):
        refuse()
