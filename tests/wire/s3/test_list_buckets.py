from __future__ import annotations


def test_buckets_are_listed_by_name_with_owner_and_region(s3, server, new_bucket):
    mine = {new_bucket(), new_bucket()}
    answer = s3.list_buckets()
    names = [bucket["Name"] for bucket in answer["Buckets"]]
    assert mine <= set(names)
    assert names == sorted(names)
    assert answer["Owner"]["ID"] == server.account_id
    assert {bucket["BucketRegion"] for bucket in answer["Buckets"]} == {server.region}
    assert "ContinuationToken" not in answer


def test_pages_have_a_token_only_while_more_remain(s3, new_bucket):
    mine = sorted(new_bucket() for _ in range(3))
    prefix = mine[0][: len("bucket-") + 2]
    names, pages = [], 0
    for page in s3.get_paginator("list_buckets").paginate(Prefix=prefix, PaginationConfig={"PageSize": 2}):
        assert len(page["Buckets"]) <= 2
        names += [bucket["Name"] for bucket in page["Buckets"]]
        pages += 1
    assert set(mine) <= set(names)
    assert names == sorted(names)
    assert pages == (len(names) + 1) // 2


def test_a_page_size_outside_its_limits_is_refused(raw):
    for size in ("0", "10001", "x"):
        assert raw("GET", f"/?max-buckets={size}").code == "InvalidArgument"


def test_a_token_of_somebody_else_is_refused(raw):
    assert raw("GET", "/?continuation-token=abc").code == "InvalidArgument"


def test_nobody_lists_buckets(raw):
    answer = raw("GET", "/", signed=False)
    assert (answer.status, answer.code) == (403, "AccessDenied")


def test_another_region_has_no_buckets(raw, bucket):
    assert raw("GET", "/?bucket-region=elsewhere").xml.findall(".//{*}Bucket") == []
    assert raw("GET", "/?bucket-region=us-west-000").xml.findall(".//{*}Bucket") != []


def test_the_other_service_verbs_are_not_allowed(raw):
    answer = raw("PUT", "/")
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "MethodNotAllowed", "GET")
