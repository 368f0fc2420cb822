"""GetBucketAcl, PutBucketAcl, GetObjectAcl, PutObjectAcl: the bucket's type, told as an access control list (reference, 1.5).

It is set by a canned ACL alone: there are no grants to anybody but the owner and all the world.
"""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.s3.answers import bare_answer, xml_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import S3Error
from undercroft.s3.headers import ACL, bucket_type_of, check_object_acl
from undercroft.s3.xml_out import owner
from undercroft.store.identity.deeds import name_of_file
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


async def put_bucket_acl(call: Call) -> Response:
    """PUT /bucket?acl: make the bucket private, or public."""
    body = await call.document()
    bucket = await call.settings_to_change(Operation.WRITE_BUCKET)
    bucket_type = bucket_type_of(_canned(call, body))
    if bucket_type != bucket.type:
        await call.store.buckets.update(call.managing, bucket.bucket_id, bucket_type=bucket_type)
    return bare_answer(200)


async def put_object_acl(call: Call) -> Response:
    """PUT /bucket/key?acl: an object has its bucket's ACL, and takes no other."""
    body = await call.document()
    bucket = await call.bucket()
    target = name_of_file(call.principal, bucket, call.key)
    async with call.store.identity.deeds.of(call.managing, "Set ACL of file", target):
        await call.version(bucket, operation=Operation.WRITE_FILE)
    _canned(call, body)
    check_object_acl(call.headers, bucket)
    return bare_answer(200)


def _canned(call: Call, body: bytes) -> str:
    """The canned ACL of the request. Raises `MissingSecurityHeader`, `UnexpectedContent` and `NotImplemented`."""
    acl = call.header(ACL)
    if acl is None and body:
        raise S3Error("NotImplemented", f"An ACL is set by the header {ACL}, not by a document of grants.")
    if acl is None:
        raise S3Error("MissingSecurityHeader", extras={"MissingHeaderName": ACL})
    if body:
        raise S3Error("UnexpectedContent", f"This request has either a header {ACL} or a document.")
    return acl


def _answer(bucket: Bucket) -> Response:
    grants = (
        f'<Grant><Grantee {_XSI}="CanonicalUser"><ID>{bucket.account_id}</ID><DisplayName></DisplayName></Grantee>'
        f"<Permission>FULL_CONTROL</Permission></Grant>{_EVERYONE if bucket.is_public else ''}"
    )
    content = f"{owner('Owner', bucket.account_id)}<AccessControlList>{grants}</AccessControlList>"
    return xml_answer("AccessControlPolicy", content)
