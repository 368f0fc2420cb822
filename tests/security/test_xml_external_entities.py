"""XML external entities and entity expansion (CWE-611, CWE-776), and documents made to exhaust a parser."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from undercroft import limits

DELETE = "<Delete>{}</Delete>"
BOMB = (
    '<!DOCTYPE b [<!ENTITY a "' + "x" * 100 + '">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)).replace("&a0;", "&a;")
    + "]><Delete><Object><Key>&a9;</Key></Object></Delete>"
)  # fmt: skip
QUADRATIC = (
    '<!DOCTYPE b [<!ENTITY a "'
    + "x" * 50_000
    + '">]><Delete><Object><Key>'
    + "&a;" * 20_000
    + "</Key></Object></Delete>"
)
IN_ATTRIBUTES = BOMB.replace("<Object><Key>&a9;</Key></Object>", '<Object a="&a9;"><Key>k</Key></Object>')


@pytest.fixture(scope="module")
def bucket(make_bucket):
    return make_bucket()


def send(owner, bucket, body: bytes):
    began = time.monotonic()
    answer = owner.s3("POST", f"/{bucket[0]}?delete", body=body)
    assert time.monotonic() - began < 10
    return answer


@pytest.mark.parametrize(
    "document", [BOMB, QUADRATIC, IN_ATTRIBUTES], ids=["exponential", "quadratic", "in attributes"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32", "utf-7", "cp037"])
def test_entities_do_not_expand_in_any_encoding(owner, bucket, document, encoding):
    text = document if encoding == "utf-8" else f'<?xml version="1.0" encoding="{encoding}"?>{document}'
    assert send(owner, bucket, text.encode(encoding)[: limits.XML_BODY_MAX_BYTES]).refusal == (400, "MalformedXML")


class Listener:
    """A port that notices whether anybody connects."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.visits = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        try:
            while True:
                connection, _ = self._socket.accept()
                self.visits += 1
                connection.close()
        except OSError:
            return

    def close(self):
        self._socket.close()


@pytest.fixture(scope="module")
def listener():
    one = Listener()
    yield one
    one.close()


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE Delete [<!ENTITY e SYSTEM "{url}">]>',
        '<!DOCTYPE Delete [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Delete SYSTEM "{url}">',
        '<!DOCTYPE Delete PUBLIC "-//x//y" "{url}">',
        '<!DOCTYPE Delete [<!ENTITY % e SYSTEM "{url}">%e;]>',
        '<!DOCTYPE Delete [<!ENTITY e PUBLIC "x" "{url}">]>',
        '<!doctype Delete [<!ENTITY e SYSTEM "{url}">]>',
        '<!DOCTYPE\nDelete [<!ENTITY e SYSTEM "{url}">]>',
        '<?xml-stylesheet href="{url}"?>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_nothing_outside_the_document_is_read(owner, bucket, listener, doctype, encoding):
    head = doctype.replace("{url}", f"http://127.0.0.1:{listener.port}/x")
    body = f"{head}<Delete><Object><Key>&e;</Key></Object></Delete>"
    answer = send(owner, bucket, body.encode(encoding))
    assert answer.refusal == (400, "MalformedXML")
    assert b"root:" not in answer.body
    assert listener.visits == 0


def test_includes_and_schemas_are_plain_elements_that_nobody_expects(owner, bucket, listener):
    url = f"http://127.0.0.1:{listener.port}/x"
    for inside in (
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}"/>',
        f'<Object xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="x {url}"><Key>k</Key><x/></Object>',
        "<Object><Key>&undefined;</Key></Object>",
        "<Object><Key><![CDATA[k]]><b/></Key></Object>",
    ):
        assert send(owner, bucket, DELETE.format(inside).encode()).refusal == (400, "MalformedXML")
    assert listener.visits == 0


@pytest.mark.parametrize(
    "body",
    [
        b"<a>" * 100_000,
        b"<Delete>" + b"<Object>" * 100_000,
        b"<Delete>" + b"<Object>" * 40 + b"</Object>" * 40 + b"</Delete>",
        b"<Delete " + b"".join(b'a%d="" ' % n for n in range(100_000)) + b"/>",
        b"<Delete " + b'a="' + b"x" * 1_000_000 + b'"/>',
        b"<" + b"x" * 1_000_000 + b"/>",
        b"<Delete>" + b"<!-- " + b"x" * 1_000_000,
        b"<Delete>" + b"<?x " * 100_000,
        b"<Delete " + b"".join(b'xmlns:n%d="u" ' % n for n in range(50_000)) + b"/>",
        b"&#" + b"9" * 1_000_000 + b";",
        b"<Delete><Object><Key>&#" + b"9" * 100_000 + b";</Key></Object></Delete>",
        b"\0" * 1_000_000,
    ],
)
def test_documents_made_to_exhaust_the_parser_are_refused_quickly(owner, bucket, body):
    assert send(owner, bucket, body).refusal == (400, "MalformedXML")


@pytest.mark.parametrize(
    ("count", "status"), [(limits.S3_DELETE_OBJECTS_MAX, 200), (limits.S3_DELETE_OBJECTS_MAX + 1, 400)]
)
def test_the_number_of_elements_has_a_limit(owner, bucket, count, status):
    body = DELETE.format("<Quiet>true</Quiet>" + "<Object><Key>k</Key><VersionId>null</VersionId></Object>" * count)
    assert send(owner, bucket, body.encode()).status == status


def test_a_document_above_its_size_is_refused_unread(owner, bucket):
    body = b"<Delete>" + b" " * limits.XML_BODY_MAX_BYTES
    assert send(owner, bucket, body).refusal == (400, "MaxMessageLengthExceeded")


def test_documents_of_every_operation_that_takes_one_are_read_with_the_same_care(owner, bucket):
    name, _ = bucket
    upload_id = owner.s3("POST", f"/{name}/large?uploads").texts("UploadId")[0]
    for method, target in (
        ("PUT", f"/{name}-new"),
        ("PUT", f"/{name}?versioning"),
        ("POST", f"/{name}/large?uploadId={upload_id}"),
        ("POST", f"/{name}?delete"),
    ):
        for body in (BOMB.encode(), b"<a>" * 1000, b"\xff\xfe\x00", b"<wrong/>", b"<!DOCTYPE x>", b"{}"):
            assert owner.s3(method, target, body=body).refusal == (400, "MalformedXML"), target
    assert owner.s3("HEAD", f"/{name}-new").status == 404
    assert owner.s3("GET", f"/{name}/large?uploadId={upload_id}").status == 200
