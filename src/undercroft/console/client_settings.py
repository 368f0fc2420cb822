"""Ready-to-paste settings of the usual clients, with endpoint, bucket and key filled in.

Each is written so that what it holds is quoted as its language quotes: a key's secret has `+` and `/`, and a bucket may not be
named yet.
"""

from __future__ import annotations

import json
import shlex
from typing import NamedTuple

PLACEHOLDER_KEY_ID = "YOUR_KEY_ID"
PLACEHOLDER_KEY = "YOUR_APPLICATION_KEY"
PLACEHOLDER_BUCKET = "my-bucket"


class ClientTarget(NamedTuple):
    """What a client is to be set up for. `origin` is the API's URL, which serves both protocols."""

    origin: str
    region: str
    bucket: str = PLACEHOLDER_BUCKET
    key_id: str = PLACEHOLDER_KEY_ID
    application_key: str = PLACEHOLDER_KEY


class Snippet(NamedTuple):
    """The settings of one client: an id of letters, its name, the language that it is in, and the text."""

    client: str
    title: str
    language: str
    text: str


def client_settings(target: ClientTarget) -> tuple[Snippet, ...]:
    """The settings of every client for this target."""
    return (
        Snippet("aws", "AWS CLI", "sh", _aws(target)),
        Snippet("boto3", "boto3", "python", _boto3(target)),
        Snippet("java", "Java", "java", _java(target)),
        Snippet("b2", "b2", "sh", _b2(target)),
        Snippet("rclone", "rclone", "ini", _rclone(target)),
        Snippet("restic", "restic", "sh", _restic(target)),
    )


def _aws(target: ClientTarget) -> str:
    return f"""\
export AWS_ACCESS_KEY_ID={shlex.quote(target.key_id)}
export AWS_SECRET_ACCESS_KEY={shlex.quote(target.application_key)}
export AWS_DEFAULT_REGION={shlex.quote(target.region)}
export AWS_ENDPOINT_URL={shlex.quote(target.origin)}

aws s3 cp hello.txt {shlex.quote(f"s3://{target.bucket}/hello.txt")}
aws s3 ls {shlex.quote(f"s3://{target.bucket}")}
"""


def _boto3(target: ClientTarget) -> str:
    return f"""\
import boto3

s3 = boto3.client(
    "s3",
    endpoint_url={json.dumps(target.origin)},
    region_name={json.dumps(target.region)},
    aws_access_key_id={json.dumps(target.key_id)},
    aws_secret_access_key={json.dumps(target.application_key)},
)
s3.upload_file("hello.txt", {json.dumps(target.bucket)}, "hello.txt")
"""


def _java(target: ClientTarget) -> str:
    return f"""\
S3Client s3 = S3Client.builder()
    .endpointOverride(URI.create({json.dumps(target.origin)}))
    .region(Region.of({json.dumps(target.region)}))
    .forcePathStyle(true)
    .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(
        {json.dumps(target.key_id)},
        {json.dumps(target.application_key)})))
    .build();
s3.putObject(request -> request.bucket({json.dumps(target.bucket)}).key("hello.txt"), Path.of("hello.txt"));
"""


def _b2(target: ClientTarget) -> str:
    origin, key_id, key = (shlex.quote(text) for text in (target.origin, target.key_id, target.application_key))
    return f"""\
b2 account authorize --environment {origin} {key_id} {key}

b2 file upload {shlex.quote(target.bucket)} hello.txt hello.txt
b2 ls {shlex.quote(f"b2://{target.bucket}")}
"""


def _rclone(target: ClientTarget) -> str:
    return f"""\
# ~/.config/rclone/rclone.conf; then: rclone lsf undercroft:{target.bucket}
[undercroft]
type = s3
provider = Other
endpoint = {target.origin}
region = {target.region}
access_key_id = {target.key_id}
secret_access_key = {target.application_key}
"""


def _restic(target: ClientTarget) -> str:
    return f"""\
export AWS_ACCESS_KEY_ID={shlex.quote(target.key_id)}
export AWS_SECRET_ACCESS_KEY={shlex.quote(target.application_key)}
export AWS_DEFAULT_REGION={shlex.quote(target.region)}
export RESTIC_REPOSITORY={shlex.quote(f"s3:{target.origin}/{target.bucket}/restic")}

restic init
restic backup ~/Documents
"""
