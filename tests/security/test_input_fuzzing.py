"""Improper input validation (CWE-20, CWE-755): bytes at random, from the request line to the body.

Whatever comes, the server answers with an error of the client's, or with a success that is one, in the form of the protocol;
it never answers 500, never sends half an answer, and no process of it dies. The session's server is checked for
logged errors when it stops.
"""

from __future__ import annotations

import contextlib
import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.hostile import as_request, parse_answers
from undercroft.native.bodies import ArrayReader
from undercroft.native.calls import CALLS
from undercroft.s3.facts import FACTS

EXAMPLES = 250  # In CI; ten times as many at full size.


@pytest.fixture(scope="module")
def thorough(full_size):
    return 10 if full_size else 1


@pytest.fixture(scope="module")
def bucket(make_bucket):
    return make_bucket()


@pytest.fixture(autouse=True)
def survives(server, nobody):
    before = [child.pid for child in server.children()]
    yield
    assert nobody.send("GET", "/healthz").body == b"ok\n"
    assert [child.pid for child in server.children()] == before


def run(check, examples):
    """Run a property so often."""
    settings(
        max_examples=examples, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )(check)()  # fmt: skip


def exchange(server, data):
    """What the server says to bytes that may be no request, or half of one: nothing more comes from this side."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as connection:
        received = b""
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
            # A whole request that cannot be taken for anything else ends what is open, so that nobody waits.
            connection.sendall(b"\r\n\r\n" + b"0\r\n\r\n" * 2 + b"\0\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                received += piece
    return received


def assert_decent(received):
    """Every answer that came whole is one of the protocol, and none is the server's own failure."""
    assert b"HTTP/1.1 500" not in received
    assert b"Traceback" not in received
    with contextlib.suppress(AssertionError, ValueError):
        for answer in parse_answers(received):
            assert answer.status != 500


# -- Words that mean something, mixed with bytes that do not ------------------------------------------------------------
junk = st.binary(max_size=40)
word = st.sampled_from(
    [b"GET", b"PUT", b"POST", b"HEAD", b"DELETE", b"OPTIONS", b"CONNECT", b"PRI", b" ", b"  ", b"\t", b"/", b"//", b"/file/", b"/b2api/v4/",
     b"/healthz", b"*", b"http://", b"http://a/", b"?", b"&", b"=", b"#", b"%", b"%00", b"%zz", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"\r\n", b"\n",
     b"\r", b"\0", b":", b": ", b"Host: localhost", b"Host:", b"Content-Length: 5", b"Content-Length:", b"Transfer-Encoding: chunked", b"Expect: 100-continue",
     b"Connection: close", b"Upgrade: h2c", b"\r\n\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b"hello", b" folded", b"\xff", "é".encode(), b"\x16\x03\x01"]
)  # fmt: skip
garbage = st.lists(st.one_of(word, junk), max_size=25).map(b"".join)


def test_bytes_that_hardly_are_http(server, thorough):
    @given(garbage)
    def check(data):
        assert_decent(exchange(server, data))

    run(check, EXAMPLES * thorough)


token = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.!#$%&'*+^`|~", min_size=1, max_size=20)
value = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60),
    st.sampled_from(["", "0", "-1", "5", "9" * 25, "1e9", "NaN", "chunked", "bytes=0-", "bytes=-0", "*", '"x"', 'W/"x"', "UNSIGNED-PAYLOAD",
                     "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "Sun, 06 Nov 1994 08:49:37 GMT", "%", "%00", "../..", "x/y", "a" * 2000]),
)  # fmt: skip
OTHER_HEADERS = [
    "Range", "If-Match", "If-None-Match", "If-Modified-Since", "Content-Type", "Content-MD5", "Content-Encoding", "Expires", "Origin",
    "Date", "x-amz-date", "x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-trailer", "x-amz-security-token", "x-amz-meta-a",
    "X-Bz-File-Name", "X-Bz-Content-Sha1", "X-Bz-Part-Number", "X-Bz-Info-a", "X-Bz-Custom-Upload-Timestamp", "Authorization",
]  # fmt: skip
known_header = st.sampled_from(
    [*sorted({header for facts in FACTS.values() for header in facts.headers}), *OTHER_HEADERS]
)
header = st.tuples(st.one_of(known_header, token), value)
method = st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE", "OPTIONS", "PATCH"])
parameter = st.one_of(
    st.sampled_from(sorted({name for facts in FACTS.values() for name in (*facts.query, *facts.marks)})),
    st.sampled_from(["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "Authorization", "fileId", "bucketId", "versionId", "x-id"]),
    token,
)  # fmt: skip
file_id = st.tuples(st.sampled_from(["4_z", "4_z" + "0" * 24, "4_z" + "ab" * 12 + "_f1", ""]), st.text(max_size=6)).map(
    "".join
)
piece = st.one_of(
    st.text(max_size=12),
    file_id,
    st.sampled_from(["", ".", "..", "%", "%2F", "%00", "%ff", "+", "a", "file", "b2api", "v4", "\0", "\r\n", "😀"]),
)


def quoted(text, raw):
    """Percent-encoded, unless it is to stay raw where the request line allows."""
    encoded = "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))
    return text if raw and text.isascii() and text.isprintable() and " " not in text and "#" not in text else encoded


query = st.lists(st.tuples(parameter, st.one_of(piece, value), st.booleans()), max_size=4).map(
    lambda pairs: "&".join(quoted(name, raw) + "=" + quoted(text, raw) for name, text, raw in pairs)
)
path = st.lists(st.tuples(piece, st.booleans()), max_size=4).map(
    lambda parts: "/" + "/".join(quoted(*part) for part in parts)
)


def assert_protocol(answer):
    """An error in the form of its protocol, or a success."""
    if answer.status >= 400 and answer.body and not answer.headers["content-type"].startswith("text/plain"):
        assert answer.error
    assert answer.status < 500 or answer.status == 501, (answer.status, answer.body)


def test_requests_of_nobody_s(nobody, bucket, thorough):
    @given(
        method,
        path,
        query,
        st.lists(header, max_size=5),
        st.binary(max_size=60),
        st.sampled_from(["", f"/{bucket[0]}", f"/file/{bucket[0]}"]),
    )
    def check(verb, where, asked, headers, body, prefix):
        fields = [
            (name, text)
            for name, text in headers
            if name.lower() not in {"transfer-encoding", "content-length", "host", "connection"}
        ]
        assert_protocol(nobody.send(verb, f"{prefix}{where}?{asked}", fields, body if verb in {"PUT", "POST"} else b""))

    run(check, EXAMPLES * thorough)


def test_signed_requests_to_a_bucket(owner, bucket, thorough):
    name, _ = bucket

    @given(method, path, query, st.dictionaries(known_header, value, max_size=4), st.binary(max_size=60))
    def check(verb, where, asked, headers, body):
        lowered = {name.lower(): text for name, text in headers.items()}
        for reserved in ("authorization", "x-amz-date", "x-amz-content-sha256", "date"):
            lowered.pop(reserved, None)
        target = f"/{name}{where}" + (f"?{asked}" if asked else "")
        if target.startswith(f"/{name}?") and verb == "DELETE":
            return  # The bucket itself is needed by the next example.
        assert_protocol(owner.s3(verb, target, lowered, body if verb in {"PUT", "POST"} else b""))

    run(check, EXAMPLES * thorough)


scalar = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=20),
    st.sampled_from(["4_z" + "0" * 24, "\0", "\r\n", "allPublic", "all", "readFiles", "bytes=0-1", "0" * 40, "a" * 1100]),
)  # fmt: skip
anything = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted(
    {
        field
        for call in CALLS.values()
        for reader in (call.reader, call.multi_bucket_reader)
        for field in reader.struct.__struct_encode_fields__
    }
)


def test_documents_of_native_calls(owner, bucket, thorough):
    ids = {"accountId": owner.account_id, "bucketId": bucket[1]}
    harmless = sorted(set(CALLS) - {"b2_delete_bucket", "b2_create_bucket", "b2_delete_key", "b2_create_key"})

    @given(
        st.sampled_from(harmless),
        st.dictionaries(st.sampled_from(FIELDS), anything, max_size=5),
        st.booleans(),
        st.binary(max_size=8),
    )
    def check(call, fields, with_ids, tail):
        fields = {**fields, **(ids if with_ids else {})}
        known = {
            name: fields[name]
            for name in fields
            if name in CALLS[call].multi_bucket_reader.struct.__struct_encode_fields__
        }
        document = [known] if isinstance(CALLS[call].reader, ArrayReader) else known
        body = json.dumps(document, ensure_ascii=len(tail) % 2 == 0).encode("utf-8", "surrogatepass")
        answer = owner.document(call, body + (tail if len(tail) > 6 else b""))
        assert answer.status in {200, 400, 401, 404, 409, 416}, (answer.status, answer.body)
        if answer.status != 200:
            assert answer.error

    run(check, EXAMPLES * thorough)


xml_name = st.sampled_from(
    ["Delete", "Object", "Key", "VersionId", "Quiet", "CompleteMultipartUpload", "Part", "PartNumber", "ETag", "ChecksumCRC32",
     "CreateBucketConfiguration", "LocationConstraint", "VersioningConfiguration", "Status", "x:y", "ETag "]
)  # fmt: skip
xml_text = st.one_of(
    st.text(max_size=10),
    st.sampled_from(
        [
            "",
            "&amp;",
            "&x;",
            "&#0;",
            "&#13;",
            "&#xFFFF;",
            "<![CDATA[x]]>",
            "<!-- -->",
            "<?x?>",
            "<!DOCTYPE x>",
            "]]>",
            "1",
            "-1",
            "true",
        ]
    ),
)
xml = st.recursive(
    xml_text,
    lambda inner: st.tuples(xml_name, st.lists(inner, max_size=3)).map(lambda t: f"<{t[0]}>{''.join(t[1])}</{t[0]}>"),
    max_leaves=8,
)


def test_documents_of_s3_operations(owner, bucket, thorough):
    name, _ = bucket
    upload_id = owner.s3("POST", f"/{name}/large?uploads").texts("UploadId")[0]
    targets = [
        ("POST", f"/{name}?delete"),
        ("POST", f"/{name}/large?uploadId={upload_id}"),
        ("PUT", f"/{name}?versioning"),
        ("PUT", f"/{name}"),
    ]

    @given(
        st.sampled_from(targets),
        xml,
        st.sampled_from(["", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="x"?>', "\ufeff", " "]),
        junk,
    )
    def check(target, document, head, tail):
        body = (head + document).encode("utf-8", "surrogatepass") + (tail if len(tail) > 35 else b"")
        assert_protocol(owner.s3(*target, body=body))

    run(check, EXAMPLES * thorough)


def test_tokens_and_credentials(nobody, bucket, thorough):
    text = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80)
    shaped = st.tuples(*[st.text("0123456789abcdefxyz-+. ", max_size=30)] * 6).map(
        lambda t: "4_" + "_".join(t[:3]) + f"_dnld_{t[4]}_{t[5]}"
    )
    credential = st.tuples(text, text, text).map(
        lambda t: f"AWS4-HMAC-SHA256 Credential={t[0]},SignedHeaders={t[1]},Signature={t[2]}"
    )

    @given(st.one_of(text, shaped, credential, text.map(lambda t: "Basic " + t)))
    def check(authorization):
        fields = {"Authorization": authorization}
        for verb, target in (
            ("GET", f"/file/{bucket[0]}/k"), ("POST", "/b2api/v4/b2_list_buckets"), ("GET", "/b2api/v4/b2_authorize_account"), ("GET", f"/{bucket[0]}/k"),
        ):  # fmt: skip
            answer = nobody.send(verb, target, fields)
            assert answer.refusal[0] in {400, 401, 403} or answer.status == 501

    run(check, EXAMPLES // 3 * thorough)


date_word = st.sampled_from(
    ["Mon", "Mon,", "1", "31", "Jan", "2026", "00:00:00", "99:99:99", "GMT", "+0000", "-9999", "+" + "9" * 20, "9" * 20, "0", ",", "-", ":", "(", "T", "Z", "20260101T000000Z"]
)  # fmt: skip


def test_dates(owner, bucket, thorough):
    owner.s3("PUT", f"/{bucket[0]}/dated", body=b"x")

    @given(st.lists(date_word, max_size=8), st.sampled_from(["", " "]), st.sampled_from(["Date", "x-amz-date"]))
    def check(words, separator, name):
        date = separator.join(words)
        signed = owner.signer.headers("GET", f"/{bucket[0]}/dated")
        del signed["x-amz-date"]
        assert owner.send("GET", f"/{bucket[0]}/dated", {**signed, name: date}).refusal[0] in {400, 403}
        for condition in ("If-Modified-Since", "If-Unmodified-Since"):
            assert owner.s3("GET", f"/{bucket[0]}/dated", {condition: date}).status in {200, 304, 412}

    run(check, EXAMPLES * thorough)


def test_what_is_cut_off_anywhere_is_never_stored(server, owner, make_bucket, thorough):
    name, bucket_id = make_bucket()
    whole = as_request("PUT", f"/{name}/cut", owner.signer.headers("PUT", f"/{name}/cut"), b"x" * 500)

    @given(st.integers(0, len(whole) - 1))
    def check(length):
        with contextlib.closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as connection:
            connection.sendall(whole[:length])
            connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                while connection.recv(65_536):
                    pass

    run(check, EXAMPLES // 3 * thorough)
    assert owner.ok("b2_list_file_versions", bucketId=bucket_id)["files"] == []
