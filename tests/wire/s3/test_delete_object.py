from __future__ import annotations


def test_deleting_hides_and_deleting_the_marker_shows_again(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    hidden = s3.delete_object(Bucket=bucket, Key="k")
    assert hidden["DeleteMarker"] is True
    assert hidden["VersionId"] != put["VersionId"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    shown = s3.delete_object(Bucket=bucket, Key="k", VersionId=hidden["VersionId"])
    assert (shown["DeleteMarker"], shown["VersionId"]) == (True, hidden["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_every_deletion_of_a_key_adds_a_marker_even_where_there_is_nothing(s3, bucket):
    markers = {s3.delete_object(Bucket=bucket, Key="never")["VersionId"] for _ in range(2)}
    listed = s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]
    assert {marker["VersionId"] for marker in listed} == markers
    assert [marker["IsLatest"] for marker in listed] == [True, False]


def test_deleting_a_version_is_for_good_and_shows_the_one_before(s3, bucket, refused):
    old = s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    new = s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    gone = s3.delete_object(Bucket=bucket, Key="k", VersionId=new["VersionId"])
    assert gone["VersionId"] == new["VersionId"]
    assert "DeleteMarker" not in gone
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == old["VersionId"]
    with refused("NoSuchVersion", 404):
        s3.get_object(Bucket=bucket, Key="k", VersionId=new["VersionId"])


def test_deleting_a_version_that_is_not_there_is_done_already(s3, bucket):
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    for version_id in (version, "null"):
        again = s3.delete_object(Bucket=bucket, Key="k", VersionId=version_id)
        assert again["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_a_version_of_another_key_is_not_deleted(s3, bucket):
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="other", VersionId=version)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_a_malformed_version_id_is_refused(raw, bucket):
    assert raw("DELETE", f"/{bucket}/k?versionId=junk").code == "InvalidArgument"
    assert raw("DELETE", f"/{bucket}/k?versionId=").code == "InvalidArgument"


def test_a_condition_is_refused_rather_than_ignored(s3, bucket, refused):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    with refused("NotImplemented", 501):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    s3.head_object(Bucket=bucket, Key="k")


def test_nobody_deletes_from_a_public_bucket(s3, raw, public_bucket):
    version = s3.put_object(Bucket=public_bucket, Key="k", Body=b"x")["VersionId"]
    assert raw("DELETE", f"/{public_bucket}/k", signed=False).code == "AccessDenied"
    assert raw("DELETE", f"/{public_bucket}/k?versionId={version}", signed=False).code == "AccessDenied"
    assert raw("DELETE", f"/{public_bucket}/k?versionId=null", signed=False).code == "AccessDenied"
