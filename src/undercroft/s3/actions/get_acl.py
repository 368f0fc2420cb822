"""GetBucketAcl and GetObjectAcl: the bucket's type, told as an access control list (reference, 1.5)."""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call
from undercroft.s3.xml_out import owner
from undercroft.store.model import Bucket
from undercroft.store.operations import Operation

# Client libraries read the kind of a grantee from this attribute.
_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type'
_EVERYONE = (
    f'<Grant><Grantee {_XSI}="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>'
    "<Permission>READ</Permission></Grant>"
)


async def get_bucket_acl(call: Call) -> Response:
    """GET /bucket?acl."""
    return _answer(await call.settings_of_bucket(Operation.READ_BUCKET))


async def get_object_acl(call: Call) -> Response:
    """GET /bucket/key?acl: the bucket's list, where the object exists."""
    call.require_signature()
    bucket = await call.bucket()
    await call.version(bucket)
    return _answer(bucket)


def _answer(bucket: Bucket) -> Response:
    grants = (
        f'<Grant><Grantee {_XSI}="CanonicalUser"><ID>{bucket.account_id}</ID><DisplayName></DisplayName></Grantee>'
        f"<Permission>FULL_CONTROL</Permission></Grant>{_EVERYONE if bucket.is_public else ''}"
    )
    content = f"{owner('Owner', bucket.account_id)}<AccessControlList>{grants}</AccessControlList>"
    return xml_answer("AccessControlPolicy", content)
