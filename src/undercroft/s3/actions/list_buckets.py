"""ListBuckets: the buckets of the caller's account, by name, in pages where pages are asked for."""

from __future__ import annotations

from undercroft import limits
from undercroft.http.response import Response
from undercroft.http.xml_out import element
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call
from undercroft.s3.tokens import read_token, write_token
from undercroft.s3.xml_out import iso_time, owner


async def list_buckets(call: Call) -> Response:
    """GET / — sorted by name; `ContinuationToken` only when more remain (reference, 2.8)."""
    limit = call.number("max-buckets", limits.S3_BUCKETS_MAX, least=1, most=limits.S3_BUCKETS_MAX)
    prefix = call.query.get("prefix", "")
    after = read_token(call.query.get("continuation-token", ""))
    here = call.query.get("bucket-region") in {None, "", call.settings.region}
    buckets = await call.store.buckets.list_all_names(call.principal)
    found = sorted(
        (bucket for bucket in buckets if here and bucket.name.startswith(prefix) and bucket.name > after),
        key=lambda bucket: bucket.name,
    )
    page = found[:limit]
    rows = "".join(
        f"<Bucket>{element('Name', bucket.name)}<CreationDate>{iso_time(bucket.created_ms)}</CreationDate>"
        f"{element('BucketRegion', call.settings.region)}</Bucket>"
        for bucket in page
    )
    content = f"{owner('Owner', call.principal.account_id or '')}<Buckets>{rows}</Buckets>"
    if len(found) > limit:
        content += element("ContinuationToken", write_token(page[-1].name))
    if prefix:
        content += element("Prefix", prefix)
    return xml_answer("ListAllMyBucketsResult", content)
