"""Uncontrolled resource consumption (CWE-400, CWE-770, CWE-1333): one client cannot take the server from the others (P9).

That each limit holds to the byte is tested elsewhere (`wire/test_http_limits.py`, `unit/http`); here a hostile client goes far
beyond them, and what counts is that it is refused soon and that others are served meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import psutil
import pytest

from harness.hostile import UNSIGNED, as_request, converse, parse_answers, timestamp
from undercroft import limits


@pytest.fixture(scope="module")
def bucket(make_bucket):
    return make_bucket()


@contextlib.contextmanager
def within(seconds: float):
    began = time.monotonic()
    yield
    taken = time.monotonic() - began
    assert taken < seconds, f"took {taken:.1f} s"


@pytest.fixture(autouse=True)
def others_are_served(server, nobody):
    """After every attack the server still answers, and none of its processes had to be started again."""
    before = [child.pid for child in server.children()]
    yield
    with within(5):
        assert nobody.send("GET", "/healthz").body == b"ok\n"
    assert [child.pid for child in server.children()] == before


# -- Heads ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "flood",
    [
        b"x: y\r\n" * 500_000,
        b"x: " + b"y" * 3_000_000,
        b"y" * 3_000_000,
        b"y" * 3_000_000 + b": x\r\n",
        b"x:" + b" " * 3_000_000,
        b"x: y\r\n" + b" folded\r\n" * 300_000,
    ],
)
def test_a_flood_of_headers_is_refused(server, flood):
    with within(5):
        (answer,) = converse(server, b"GET /bucket-x/k HTTP/1.1\r\nHost: localhost\r\n" + flood)
    assert answer.refusal in {(400, "RequestHeaderSectionTooLarge"), (400, "BadRequest")}


@pytest.mark.parametrize(
    "line", [b"G" * 3_000_000, b"GET /" + b"x" * 3_000_000, b"GET /?" + b"x&" * 1_000_000, b"\r\n" * 1_000_000]
)
def test_a_flood_within_the_first_line_is_refused(server, line):
    with within(8):
        answers = converse(server, line + b" HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert [answer.refusal[0] for answer in answers] in ([400], [])


def test_a_list_of_signed_headers_without_end_costs_nothing_before_anybody_is_proven(owner, bucket):
    names = ";".join(["host", "x-amz-date", "x-amz-content-sha256"] + [""] * 50_000)
    authorization = f"AWS4-HMAC-SHA256 Credential={owner.key_id}/{timestamp()[:8]}/x/s3/aws4_request,SignedHeaders={names},Signature=0"
    headers = [("x-amz-date", timestamp()), ("x-amz-content-sha256", UNSIGNED), ("Authorization", authorization)]
    headers += [(f"h{number}", "") for number in range(240)]
    with within(0.5):
        answer = owner.send("GET", f"/{bucket[0]}/k", headers)
    assert answer.refusal == (400, "InvalidRequest")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("If-Modified-Since", "(" * 30_000), ("If-Modified-Since", "1 " * 15_000), ("If-Modified-Since", ":" * 30_000), ("If-None-Match", '"a",' * 15_000),
        ("Range", "bytes=" + "0-0," * 15_000), ("Range", "bytes=" + " " * 30_000 + "x"), ("x-amz-copy-source", "%41" * 15_000),
        ("X-Forwarded-For", "1.1.1.1," * 7_000), ("Cookie", "a=b;" * 15_000), ("Accept", "*/*," * 15_000), ("x-amz-meta-a", " a" * 30_000),
        ("x-amz-object-attributes", "ETag," * 10_000), ("Content-MD5", "A" * 30_000), ("x-amz-checksum-sha256", "A" * 30_000),
    ],
)  # fmt: skip
def test_values_made_to_be_slow_to_read_are_not(owner, bucket, header, value):
    with within(2):
        for method, target in (
            ("GET", f"/{bucket[0]}/k"),
            ("PUT", f"/{bucket[0]}/k"),
            ("GET", f"/{bucket[0]}/k?attributes"),
        ):
            assert owner.s3(method, target, {header: value}).status < 500


@pytest.mark.parametrize(
    "value",
    ['a;a="' + '\\"' * 3400, "a" + ";a=a" * 1700 + ";", "a" + " \t" * 3400 + "x", "a;" + " " * 6900 + "=", "a;a*=UTF-8''" + "%41" * 2200 + "%",
     '"' * 6900, "a-" * 3400, "abcdefgh-" * 700 + "!", "a" + " ,a" * 2000 + "!", "," * 6900],
)  # fmt: skip
def test_grammars_do_not_backtrack_without_end(owner, bucket, value):
    with within(2):
        for key in ("content-disposition", "content-language", "cache-control", "content-encoding", "expires"):
            info = {f"b2-{key}": value}
            answer = owner.native(
                "b2_start_large_file", bucketId=bucket[1], fileName="a", contentType="text/plain", fileInfo=info
            )
            assert answer.status in {200, 400}
            if answer.status == 200:
                owner.ok("b2_cancel_large_file", fileId=answer.json["fileId"])


# -- Bodies -----------------------------------------------------------------------------------------------------------
def test_documents_beyond_their_limit_are_refused_however_they_come(server, owner, bucket):
    too_long = b" " * (limits.JSON_BODY_MAX_BYTES + 1)
    assert owner.document("b2_list_buckets", too_long).refusal == (400, "bad_request")
    head = f"POST /b2api/v4/b2_list_buckets HTTP/1.1\r\nHost: localhost\r\nAuthorization: {owner.token}\r\n"
    for length in (10**9, 10**18, 2**63, 2**64 - 1):
        (answer,) = converse(server, f"{head}Content-Length: {length}\r\n\r\n".encode())
        assert answer.refusal == (400, "bad_request")
    chunks = b"%x\r\n%b\r\n" % (len(too_long), too_long)
    (answer,) = converse(server, f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode() + chunks)
    assert answer.refusal == (400, "bad_request")


@pytest.mark.parametrize("length", [limits.UPLOAD_MAX_BYTES + 1, 10**13, 2**63, 2**64 - 1])
def test_uploads_beyond_their_limit_are_refused_before_a_byte_is_taken(server, owner, bucket, length):
    name, bucket_id = bucket
    headers = {**owner.signer.headers("PUT", f"/{name}/k"), "Content-Length": str(length), "Expect": "100-continue"}
    (answer,) = converse(server, as_request("PUT", f"/{name}/k", headers))
    assert answer.refusal == (400, "EntityTooLarge")
    target = owner.ok("b2_get_upload_url", bucketId=bucket_id)
    headers = {"X-Bz-Content-Sha1": "do_not_verify", "Content-Length": str(length), "Expect": "100-continue"}
    assert owner.upload(target, b"", headers).refusal == (400, "bad_request")


def test_endless_chunk_extensions_and_trailers_are_cut_off(server, owner, make_bucket):
    name, _ = make_bucket()
    headers = {**owner.signer.headers("PUT", f"/{name}/k"), "Transfer-Encoding": "chunked"}
    for body in (b"1;" + b"x" * 2_000_000, b"1\r\nx\r\n0\r\n" + b"x: y\r\n" * 300_000, b"0" * 2_000_000):
        with within(8):
            answers = converse(server, as_request("PUT", f"/{name}/k", headers, body))
        assert len(answers) <= 1
        assert all(answer.refusal[0] == 400 for answer in answers)
    assert owner.s3("HEAD", f"/{name}/k").status == 404


def test_a_million_tiny_chunks_are_only_a_body(server, owner, make_bucket):
    name, _ = make_bucket()
    headers = {**owner.signer.headers("PUT", f"/{name}/k"), "Transfer-Encoding": "chunked", "Connection": "close"}
    with within(20):
        (answer,) = converse(server, as_request("PUT", f"/{name}/k", headers, b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n"))
    assert answer.status == 200
    assert owner.s3("HEAD", f"/{name}/k").headers["content-length"] == "200000"


def test_nobodys_documents_are_refused_before_a_byte_of_them_is_read(server, bucket):
    name, _ = bucket
    for method, target in (
        ("POST", f"/{name}?delete"),
        ("PUT", f"/{name}?versioning"),
        ("POST", f"/{name}/k?uploadId=4_z"),
    ):
        waiting = as_request(method, target, {"Content-Length": "100000", "Expect": "100-continue"})
        (answer,) = converse(server, waiting)
        assert answer.refusal == (403, "AccessDenied")
        bomb = b"<Delete>" + b"<a/>" * 500_000 + b"</Delete>"
        with within(2):
            (answer,) = converse(server, as_request(method, target, {"Connection": "close"}, bomb))
        assert answer.refusal == (403, "AccessDenied")


def test_a_document_of_half_a_million_elements_is_refused_at_once(owner, bucket):
    bomb = b"<Delete>" + b"<a/>" * 500_000 + b"</Delete>"
    assert owner.s3("POST", f"/{bucket[0]}?delete", body=bomb).refusal == (400, "MalformedXML")


def test_guessing_at_signatures_gets_no_long_answers(owner, bucket):
    headers = owner.signer.headers(
        "GET", f"/{bucket[0]}/k", {f"x-amz-meta-{number}": "v " * 100 for number in range(230)}
    )
    headers["Authorization"] = headers["Authorization"][:-4] + "beef"
    answer = owner.send("GET", f"/{bucket[0]}/k", headers)
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    assert len(answer.body) < 4096


# -- Connections ------------------------------------------------------------------------------------------------------
def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def test_hundreds_of_half_sent_requests_leave_room_for_whole_ones(server, owner, bucket):
    halves = [
        b"G", b"GET / HTTP/1.1\r\nHost:", as_request("GET", "/")[:-2], b"PUT /x/y HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
        as_request("PUT", f"/{bucket[0]}/half", {**owner.signer.headers("PUT", f"/{bucket[0]}/half"), "Content-Length": "9"}),
    ]  # fmt: skip
    with contextlib.ExitStack() as stack:
        for number in range(400):
            connection = stack.enter_context(contextlib.closing(connect(server)))
            connection.sendall(halves[number % len(halves)])
        with within(5):
            for _ in range(20):
                assert owner.s3("GET", f"/{bucket[0]}?list-type=2").status == 200
    assert owner.s3("HEAD", f"/{bucket[0]}/half").status == 404


def test_requests_pipelined_without_end_are_answered_in_part_and_cut_off(server):
    one = as_request("GET", "/healthz")
    with contextlib.closing(connect(server)) as connection:
        sender = threading.Thread(target=_send_what_goes, args=(connection, one * 20_000), daemon=True)
        sender.start()
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                received += piece
        sender.join(20)
    complete = received[: received.rfind(b"ok\n") + 3] if received.endswith(b"ok\n") else received
    answers = parse_answers(complete)
    assert {answer.status for answer in answers} <= {200, 503}
    assert len(answers) >= limits.PIPELINED_REQUESTS_MAX


def _send_what_goes(connection, data):
    with contextlib.suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)


def test_a_client_that_reads_no_answer_does_not_fill_the_memory(server, owner, make_bucket):
    name, _ = make_bucket()
    assert owner.s3("PUT", f"/{name}/big", body=b"x" * 30_000_000).status == 200
    request = as_request("GET", f"/{name}/big", owner.signer.headers("GET", f"/{name}/big"))
    before = memory_of(server)
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(contextlib.closing(connect(server))).sendall(request * 10)
        with within(10):
            for _ in range(10):
                assert owner.s3("HEAD", f"/{name}/big").status == 200
        assert memory_of(server) - before < 20 * 8 * limits.MIB


def memory_of(server) -> int:
    return sum(child.memory_info().rss for child in server.children() if psutil.pid_exists(child.pid))


def test_a_thousand_connections_that_come_and_go_leave_nothing_behind(server):
    def open_connections():
        return sum(one.status != psutil.CONN_LISTEN for child in server.children() for one in child.net_connections())

    for number in range(1000):
        connection = connect(server)
        if number % 3:
            connection.sendall(b"GET /x HTTP/1.1\r\n"[: number % 18])
        connection.close()
    deadline = time.monotonic() + 10
    while open_connections() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not open_connections()


def test_lists_beyond_their_limit_are_refused_or_shortened(owner, bucket):
    name, bucket_id = bucket
    for call, field, status in (
        ("b2_list_file_names", "maxFileCount", (400, "out_of_range")),
        ("b2_list_file_versions", "maxFileCount", (400, "out_of_range")),
        ("b2_list_unfinished_large_files", "maxFileCount", (400, "out_of_range")),
    ):
        for count in (10_001, 2**31, 2**63, 10**30, -1):
            assert owner.native(call, bucketId=bucket_id, **{field: count}).refusal == status
    for query, most in (
        ("max-keys", 1000),
        ("list-type=2&max-keys", 1000),
        ("uploads&max-uploads", 1000),
        ("versions&max-keys", 1000),
    ):
        answer = owner.s3("GET", f"/{name}?{query}=2147483647")
        assert answer.status == 200
        assert str(most) in answer.texts("MaxKeys") + answer.texts("MaxUploads")
        assert owner.s3("GET", f"/{name}?{query}=2147483648").refusal == (400, "InvalidArgument")


def test_metadata_and_settings_beyond_their_limits_are_refused(owner, bucket):
    name, bucket_id = bucket
    big = "x" * 8000
    assert owner.s3("PUT", f"/{name}/k", {"x-amz-meta-a": big}).refusal == (400, "MetadataTooLarge")
    many = {f"x-amz-meta-{number}": "x" * 40 for number in range(200)}
    assert owner.s3("PUT", f"/{name}/k", many).refusal == (400, "MetadataTooLarge")
    assert owner.s3("PUT", f"/{name}/k", {"Content-Type": "t/" + big}).refusal == (400, "InvalidArgument")
    rule = {"fileNamePrefix": "", "daysFromHidingToDeleting": 1}
    cors = {"corsRuleName": "a-rule", "allowedOrigins": ["*"], "allowedOperations": ["s3_get"], "maxAgeSeconds": 1}
    for settings in (
        {"bucketInfo": {f"k{number}": "v" for number in range(11)}},
        {"bucketInfo": {"k": "v" * 10_001}},
        {"lifecycleRules": [{**rule, "fileNamePrefix": f"{number:03}"} for number in range(101)]},
        {"lifecycleRules": [rule, rule]},
        {"corsRules": [{**cors, "corsRuleName": f"rule-{number:03}"} for number in range(101)]},
        {"corsRules": [{**cors, "allowedOrigins": ["https://" + "x" * 1000]}]},
    ):
        answer = owner.native("b2_update_bucket", accountId=owner.account_id, bucketId=bucket_id, **settings)
        assert answer.refusal == (400, "bad_request"), json.dumps(settings)[:100]


# -- Time: as long as the limits are ----------------------------------------------------------------------------------
@pytest.mark.timeout(300)
def test_whoever_is_slow_is_cut_off(server, owner, bucket):
    name, _ = bucket
    put = as_request("PUT", f"/{name}/slow", {**owner.signer.headers("PUT", f"/{name}/slow"), "Content-Length": "100"})
    document = as_request("POST", "/b2api/v4/b2_list_buckets", {"Authorization": owner.token, "Content-Length": "100"})
    slow = {
        "head": (b"GET / HTTP/1.1\r\nHost: a\r\n", limits.HEADERS_TIMEOUT_S, {"RequestTimeout"}),
        "nothing": (b"", limits.HEADERS_TIMEOUT_S, set()),
        "idle": (as_request("GET", "/healthz"), limits.KEEP_ALIVE_S, {200}),
        "upload": (put + b"x", limits.BODY_STALL_TIMEOUT_S, {"RequestTimeout"}),
        "document": (document + b"{", limits.BODY_STALL_TIMEOUT_S, {"request_timeout"}),
    }
    outcomes = {}

    def run(kind, data):
        began = time.monotonic()
        answers = converse(server, data, patience_s=120)
        said = {answer.status if answer.status == 200 else answer.error for answer in answers}
        outcomes[kind] = time.monotonic() - began, said

    threads = [threading.Thread(target=run, args=(kind, data)) for kind, (data, _, _) in slow.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(130)
    for kind, (_, limit_s, expected) in slow.items():
        taken, said = outcomes[kind]
        assert said == expected, kind
        assert limit_s - 1 < taken < limit_s + 2 * limits.DEADLINE_CHECK_S + limits.DRAIN_TIMEOUT_S + 2, (kind, taken)
    assert owner.s3("HEAD", f"/{name}/slow").status == 404
