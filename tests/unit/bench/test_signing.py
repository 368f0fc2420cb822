"""The presigned URLs of the loads are those that Amazon's own signer makes."""

from datetime import UTC, datetime

import botocore.auth
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from signing import VALID_S, presigned

NOW = datetime(2026, 11, 22, 9, 8, 7, tzinfo=UTC)
SECRET = "K000/Abc+defGHIjklMNOpqrSTUvwx="


@pytest.mark.parametrize("query", [{}, {"list-type": "2", "start-after": "d00010/~", "delimiter": "/"}])
@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "DELETE"])
def test_a_presigned_url_is_the_one_that_botocore_makes(monkeypatch, method, query):
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))
    theirs = AWSRequest(method, "http://127.0.0.1:8620/bucket/small/7", params=dict(query))
    S3SigV4QueryAuth(Credentials("key", SECRET), "s3", "us-west-000", expires=VALID_S).add_auth(theirs)

    (ours,) = presigned(
        method, "127.0.0.1:8620", ["/bucket/small/7"], region="us-west-000", key_id="key", secret=SECRET,
        query=query, now=NOW,
    )  # fmt: skip

    assert _signature(ours) == _signature(theirs.url)


def _signature(url: str) -> str:
    return url.partition("X-Amz-Signature=")[2]
