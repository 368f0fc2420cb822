"""A bare S3 client, which sends what it is told to and shows what came back, for what boto3 would not send."""

from __future__ import annotations

import contextlib
import http.client
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from harness.server import Server

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True)
class Answer:
    """A response as it came: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def xml(self) -> ET.Element:
        return ET.fromstring(self.body)

    @property
    def code(self) -> str | None:
        """The code of an error, after a look at what every error must be."""
        root = self.xml
        assert root.tag == "Error", self.body
        assert root.findtext("RequestId") == self.headers["x-amz-request-id"]
        return root.findtext("Code")

    def text(self, path: str) -> str | None:
        """The text of an element of the S3 namespace."""
        return self.xml.findtext("/".join(NAMESPACE + step for step in path.split("/")))


class _Signer(S3SigV4Auth):
    """Amazon's signer with a word of our choice for the payload."""

    payload_hash = UNSIGNED

    def payload(self, request: AWSRequest) -> str:
        return self.payload_hash


@dataclass(frozen=True)
class RawS3:
    """Sends one request as it is told to, signed unless told otherwise."""

    endpoint: str
    region: str
    key_id: str
    secret: str
    host: str = ""  # What the Host header says, where it is not the endpoint's own.

    def __call__(
        self,
        method: str,
        target: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        signed: bool = True,
    ) -> Answer:
        sent = {"x-amz-content-sha256": UNSIGNED} if signed else {}
        sent |= headers or {}
        if signed:
            origin = f"http://{self.host}" if self.host else self.endpoint
            request = AWSRequest(method, origin + target, headers=sent)
            signer = _Signer(Credentials(self.key_id, self.secret), "s3", self.region)
            signer.payload_hash = sent["x-amz-content-sha256"]
            signer.add_auth(request)
            sent = dict(request.headers.items())
            sent |= {"Host": self.host} if self.host else {}
        return self.send(method, target, sent, body)

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """The request and nothing else."""
        connection = http.client.HTTPConnection(urlsplit(self.endpoint).netloc, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
            got = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, got, response.read())
        assert len(got["x-amz-request-id"]) == 16
        assert got["x-amz-id-2"]
        return answer


def make_client(server: Server, key_id: str, secret: str, **config: Any) -> Any:
    """A boto3 client that tries once."""
    return boto3.client(
        "s3",
        endpoint_url=server.s3_endpoint,
        region_name=server.region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **config),
    )
