"""A client that lies: requests of any bytes, signatures over anything but what is sent, and answers as they come.

Nothing here is borrowed from a client library, since those refuse to send what an attacker would. The signer is written
from the specification of Signature Version 4 and lets a test change each of its inputs.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from lxml import etree

from harness.server import Server

UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
PATIENCE_S = 20.0
Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """A response as it came. Header names are in lower case and keep their order."""

    status: int
    header_list: tuple[tuple[str, str], ...]
    body: bytes

    @functools.cached_property
    def headers(self) -> dict[str, str]:
        return dict(self.header_list)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.body)

    def texts(self, name: str) -> list[str]:
        """The texts of all elements of this local name."""
        return [element.text or "" for element in self.xml.iter("{*}" + name)]

    @property
    def error(self) -> str:
        """The code of an error, after a look at what every error of its protocol must be."""
        assert 400 <= self.status < 600, (self.status, self.body[:500])
        if self.headers["content-type"].startswith("application/json"):
            said = self.json
            assert sorted(said) == ["code", "message", "status"], said
            assert said["status"] == self.status
            assert isinstance(said["message"], str)
            return str(said["code"])
        assert self.headers["content-type"] == "application/xml", self.header_list
        root = self.xml
        assert root.tag == "Error", self.body[:500]
        assert root.findtext("Message")
        assert root.findtext("RequestId") == self.headers["x-amz-request-id"]
        return str(root.findtext("Code"))

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of an error that is the client's fault."""
        code = self.error
        assert self.status < 500, (self.status, self.body[:500])
        return self.status, code


def converse(server: Server, data: bytes, *, patience_s: float = PATIENCE_S, head: bool = False) -> list[Answer]:
    """Send bytes and read to the end: every answer until the server closes, which it must do in time.

    Data that the server is to keep the connection for has to end in a request with `Connection: close`. `head` tells that
    the requests are HEAD, so that answers have no bodies.
    """
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port), timeout=patience_s)) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        return parse_answers(_read_to_end(connection), head=head)


def _read_to_end(connection: socket.socket) -> bytes:
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            received += piece
    return bytes(received)


def parse_answers(received: bytes, *, head: bool = False) -> list[Answer]:
    """The answers in a run of bytes, none of which may be left over. Interim ones (100) are left out."""
    answers = []
    while received:
        raw_head, separator, received = received.partition(b"\r\n\r\n")
        assert separator, raw_head
        line, *fields = raw_head.decode("latin-1").split("\r\n")
        version, status, *_ = line.split(" ")
        assert version == "HTTP/1.1", line
        headers = []
        for field in fields:
            name, colon, value = field.partition(": ")
            assert colon, field
            headers.append((name.lower(), value))
        if int(status) < 200:
            continue
        bodiless = head or int(status) in {204, 304}
        length = 0 if bodiless else int(dict(headers)["content-length"])
        assert len(received) >= length, "The answer is shorter than it says."
        answers.append(Answer(int(status), tuple(headers), received[:length]))
        received = received[length:]
    return answers


def as_request(method: str, target: str | bytes, headers: Headers = (), body: bytes = b"", *, host: str = "") -> bytes:
    """The bytes of a request, with a Content-Length where there is a body and none was given."""
    fields = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    names = {name.lower() for name, _ in fields}
    if "host" not in names:
        fields.insert(0, ("Host", host or "localhost"))
    if "content-length" not in names and "transfer-encoding" not in names and (body or method in {"PUT", "POST"}):
        fields.append(("Content-Length", str(len(body))))
    raw_target = target.encode() if isinstance(target, str) else target
    lines = [method.encode() + b" " + raw_target + b" HTTP/1.1"]
    lines += [f"{name}: {value}".encode("latin-1") for name, value in fields]
    return b"\r\n".join([*lines, b"", b""]) + body


@dataclass(frozen=True)
class Signer:
    """Signature Version 4 with one key."""

    key_id: str
    secret: str
    region: str = "us-west-000"

    def scope(self, stamp: str) -> str:
        return f"{stamp[:8]}/{self.region}/s3/aws4_request"

    def key(self, stamp: str) -> bytes:
        key = b"AWS4" + self.secret.encode()
        for step in (stamp[:8], self.region, "s3", "aws4_request"):
            key = hmac.digest(key, step.encode(), "sha256")
        return key

    def signature(self, stamp: str, canonical_request: str) -> str:
        digest = hashlib.sha256(canonical_request.encode("latin-1")).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{self.scope(stamp)}\n{digest}"
        return hmac.digest(self.key(stamp), text.encode(), "sha256").hex()

    def headers(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        *,
        host: str = "localhost",
        payload_hash: str = UNSIGNED,
        age_s: float = 0.0,
        unsigned: Iterable[str] = (),
    ) -> dict[str, str]:
        """The headers of a request that is signed but for those of `unsigned`. `age_s` sets the clock back."""
        stamp = timestamp(age_s)
        sent = {"Host": host, "x-amz-date": stamp, "x-amz-content-sha256": payload_hash, **(headers or {})}
        left_out = {name.lower() for name in unsigned}
        signed = {name.lower(): value for name, value in sent.items() if name.lower() not in left_out}
        canonical = _canonical_request(method, target, signed, payload_hash)
        sent["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.key_id}/{self.scope(stamp)},"
            f"SignedHeaders={';'.join(sorted(signed))},Signature={self.signature(stamp, canonical)}"
        )
        return sent

    def presign(
        self,
        method: str,
        target: str,
        *,
        expires_s: object = 600,
        age_s: float = 0.0,
        host: str = "localhost",
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """The target of a presigned URL."""
        stamp = timestamp(age_s)
        signed = {"host": host, **{name.lower(): value for name, value in (headers or {}).items()}}
        path, _, query = target.partition("?")
        parameters = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self.key_id}/{self.scope(stamp)}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(expires_s),
            "X-Amz-SignedHeaders": ";".join(sorted(signed)),
        }
        added = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
        target = f"{path}?{query}&{added}" if query else f"{path}?{added}"
        canonical = _canonical_request(method, target, signed, UNSIGNED)
        return f"{target}&X-Amz-Signature={self.signature(stamp, canonical)}"


def timestamp(age_s: float = 0.0) -> str:
    """Now, or `age_s` seconds ago, as signatures write it."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - age_s))


def _canonical_request(method: str, target: str, signed: Mapping[str, str], payload_hash: str) -> str:
    path, _, query = target.partition("?")
    pairs = sorted(
        tuple(quote(unquote_to_bytes(text), safe="-._~") for text in (name, value))
        for name, _, value in (item.partition("=") for item in query.split("&") if item)
    )
    canonical_query = "&".join(f"{name}={value}" for name, value in pairs)
    block = "".join(f"{name}:{' '.join(filter(None, signed[name].split(' ')))}\n" for name in sorted(signed))
    return "\n".join((method, path, canonical_query, block, ";".join(sorted(signed)), payload_hash))


@dataclass
class Client:
    """One application key, used against both faces of a server. Each request has a connection of its own."""

    server: Server
    key_id: str
    secret: str
    _token: str = ""
    _account_id: str = ""

    @property
    def signer(self) -> Signer:
        return Signer(self.key_id, self.secret, self.server.region)

    def send(self, method: str, target: str | bytes, headers: Headers = (), body: bytes = b"") -> Answer:
        """A request as it is told, and nothing added that could matter."""
        fields = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        data = as_request(method, target, [*fields, ("Connection", "close")], body)
        (answer,) = converse(self.server, data, head=method == "HEAD")
        return answer

    def s3(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"", **signing: Any
    ) -> Answer:
        """A signed request of the S3 face."""
        return self.send(method, target, self.signer.headers(method, target, headers, **signing), body)

    @property
    def token(self) -> str:
        if not self._token:
            said = self.authorize().json
            self._token, self._account_id = said["authorizationToken"], said["accountId"]
        return self._token

    @property
    def account_id(self) -> str:
        assert self.token
        return self._account_id

    def authorize(self) -> Answer:
        credentials = base64.b64encode(f"{self.key_id}:{self.secret}".encode()).decode()
        return self.send("GET", "/b2api/v4/b2_authorize_account", {"Authorization": f"Basic {credentials}"})

    def native(self, call: str, *, token: str | None = None, **fields: Any) -> Answer:
        """A JSON call of the native face."""
        return self.document(call, json.dumps(fields).encode(), token=token)

    def document(self, call: str, body: bytes, *, token: str | None = None) -> Answer:
        """The same with a body of any bytes."""
        headers = {"Authorization": self.token if token is None else token}
        return self.send("POST", f"/b2api/v4/{call}", headers, body)

    def ok(self, call: str, **fields: Any) -> Any:
        """The JSON of a call that succeeds."""
        answer = self.native(call, **fields)
        assert answer.status == 200, answer.body
        return answer.json

    def upload(
        self, target: Mapping[str, str], body: bytes, headers: Mapping[str, str] | None = None, *, token: str = ""
    ) -> Answer:
        """An upload to an upload URL: of a file, or of a part where the headers name one."""
        fields = {
            "Authorization": token or target["authorizationToken"],
            "X-Bz-File-Name": "uploaded",
            "Content-Type": "text/plain",
            "X-Bz-Content-Sha1": hashlib.sha1(body).hexdigest(),
            **(headers or {}),
        }
        return self.send("POST", urlsplit(target["uploadUrl"]).path, fields, body)

    def restricted(self, capabilities: Iterable[str], **restrictions: Any) -> Client:
        """A new key of the same account."""
        made = self.ok(
            "b2_create_key",
            accountId=self.account_id,
            keyName="restricted",
            capabilities=sorted(capabilities),
            **restrictions,
        )
        return Client(self.server, made["applicationKeyId"], made["applicationKey"])
