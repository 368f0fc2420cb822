from __future__ import annotations

import pytest

from undercroft.native.errors import BadRequest
from undercroft.native.unsupported import (
    DefaultRetention,
    Encryption,
    Replication,
    Retention,
    refuse_bucket_lock,
    refuse_encryption,
    refuse_file_lock,
    refuse_replication,
)


def test_forms_that_ask_for_nothing_pass():
    refuse_encryption("field", None)
    refuse_encryption("field", Encryption())
    refuse_encryption("field", Encryption(mode="none"))
    refuse_file_lock(None, None)
    refuse_file_lock(Retention(), "off")
    refuse_bucket_lock(enabled=False, retention=DefaultRetention())
    refuse_bucket_lock(enabled=None, retention=None)
    refuse_replication(None)
    refuse_replication(Replication())


@pytest.mark.parametrize(
    "refuse",
    [
        lambda: refuse_encryption("field", Encryption(mode="SSE-B2", algorithm="AES256")),
        lambda: refuse_encryption("field", Encryption(algorithm="AES256")),
        lambda: refuse_encryption("field", Encryption(customer_key="x")),
        lambda: refuse_file_lock(Retention(mode="governance"), None),
        lambda: refuse_file_lock(Retention(retain_until_timestamp=1), None),
        lambda: refuse_file_lock(None, "on"),
        lambda: refuse_file_lock(None, ""),
        lambda: refuse_bucket_lock(enabled=True, retention=None),
        lambda: refuse_bucket_lock(enabled=None, retention=DefaultRetention(mode="compliance")),
        lambda: refuse_bucket_lock(enabled=None, retention=DefaultRetention(period={"duration": 1, "unit": "days"})),
        lambda: refuse_replication(Replication(as_replication_source={"replicationRules": []})),
        lambda: refuse_replication(Replication(as_replication_destination={"x": "y"})),
    ],
)
def test_forms_that_ask_for_something_are_refused(refuse):
    with pytest.raises(BadRequest, match="not supported"):
        refuse()
