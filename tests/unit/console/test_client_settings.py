"""Settings of clients, ready to be pasted: each language reads back what was put in, and nothing more."""

from __future__ import annotations

import ast
import configparser
import shlex

from undercroft.console.client_settings import ClientTarget, client_settings

TARGET = ClientTarget("https://s3.example.com", "us-west-000", "a-bucket", "000" + "a" * 22, "K000+/ab" + "c" * 23)
# Nothing that a store makes: whatever is put in must come out as one word, also where it is not what it should be.
ODD = ClientTarget("http://h", "r", "b'; touch x #", "k$(id)", 'q"`\\')


def texts(target):
    return {snippet.client: snippet.text for snippet in client_settings(target)}


def words(text):
    return [shlex.split(line) for line in text.splitlines() if line]


def test_every_client_has_its_settings_with_endpoint_bucket_and_key():
    found = texts(TARGET)
    assert list(found) == ["aws", "boto3", "java", "b2", "rclone", "restic"]
    for text in found.values():
        assert all(part in text for part in (TARGET.origin, TARGET.bucket, TARGET.key_id, TARGET.application_key))


def test_shells_read_each_value_as_one_word():
    for target in (TARGET, ODD):
        found = texts(target)
        for client in ("aws", "restic"):
            exported = dict(
                word.split("=", 1) for line in words(found[client]) if line[0] == "export" for word in line[1:]
            )
            assert exported["AWS_ACCESS_KEY_ID"] == target.key_id
            assert exported["AWS_SECRET_ACCESS_KEY"] == target.application_key
        assert words(found["aws"])[-1] == ["aws", "s3", "ls", f"s3://{target.bucket}"]
        assert words(found["b2"])[0][3:] == ["--environment", target.origin, target.key_id, target.application_key]


def test_python_reads_each_value_as_a_string():
    for target in (TARGET, ODD):
        call = ast.parse(texts(target)["boto3"]).body[1].value
        given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        assert given == {
            "endpoint_url": target.origin, "region_name": target.region,
            "aws_access_key_id": target.key_id, "aws_secret_access_key": target.application_key,
        }  # fmt: skip


def test_rclones_file_is_one_remote():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(texts(TARGET)["rclone"])
    assert dict(parser["undercroft"]) | {"region": TARGET.region} == {
        "type": "s3", "provider": "Other", "endpoint": TARGET.origin, "region": TARGET.region,
        "access_key_id": TARGET.key_id, "secret_access_key": TARGET.application_key,
    }  # fmt: skip
