"""What a connection does with requests that are well-formed, odd, too large, too slow or broken."""

from __future__ import annotations

import asyncio
import json

import pytest
from lxml import etree

from undercroft import limits
from undercroft.http.response import Response

GET = b"GET /bucket/key HTTP/1.1\r\nHost: here\r\n\r\n"


def s3_code(answer) -> str:
    return etree.fromstring(answer.body).findtext("Code")


def headers_of(count: int, total_bytes: int | None = None) -> bytes:
    """A head with so many headers, whose names, values and separators have so many bytes together."""
    lines = [b"Host: here"] + [b"x-%04d: v" % number for number in range(count - 1)]
    if total_bytes is not None:
        used = sum(len(line) + 2 for line in lines)
        lines[-1] += b"v" * (total_bytes - used)
    return b"GET / HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n"


async def send_for_ever(client, sent: list[int]) -> None:
    while True:
        await client.send(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")
        sent.append(0xFFFF)
        await asyncio.sleep(0)


# -- Well-formed ------------------------------------------------------------------------------------------------------
def test_requests_follow_one_another_on_a_connection(serve, echo):
    async def scenario(serving):
        client = await serving.client()
        for body in (b"one", b"two"):
            await client.send(b"PUT /x?y=1 HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\n" + body)
            answer = await client.answer()
            assert (answer.status, answer.body) == (200, b"PUT\n/x\ny=1\nhere\n" + body)
            assert "connection" not in answer.headers

    serve(echo, scenario)


def test_pipelined_requests_are_answered_in_order(serve, echo):
    async def scenario(serving):
        client = await serving.client()
        await client.send(
            b"".join(b"PUT /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n%d" % (n, n) for n in range(5))
        )
        for number in range(5):
            assert (await client.answer()).body == b"PUT\n/%d\n\nh\n%d" % (number, number)

    serve(echo, scenario)


def test_pipelined_reads_are_answered_in_order_whether_or_not_they_wait(serve):
    async def handler(request):
        if request.raw_query:
            await asyncio.sleep(0.01)
        return Response(200, [], request.raw_path)

    async def scenario(serving):
        client = await serving.client()
        await client.send(b"".join(b"GET /%d?%b HTTP/1.1\r\nHost: h\r\n\r\n" % (n, b"wait"[: n % 2]) for n in range(5)))
        for number in range(5):
            assert (await client.answer()).body == b"/%d" % number

    serve(handler, scenario)


def test_more_pipelined_requests_than_the_limit_end_the_connection_after_the_answers_due(serve, echo):
    async def scenario(serving):
        client = await serving.client()
        await client.send(GET * (limits.PIPELINED_REQUESTS_MAX + 2))
        for _ in range(limits.PIPELINED_REQUESTS_MAX + 1):
            assert (await client.answer()).status == 200
        assert (await client.answer()).status == 503
        assert await client.rest() == b""

    serve(echo, scenario)


def test_a_request_that_arrives_byte_by_byte_is_served(serve, echo):
    async def scenario(serving):
        client = await serving.client()
        for byte in b"\r\nPUT /a\xc3\xa9 HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\nok":
            await client.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.answer()).body == b"PUT\n/a%C3%A9\n\nhere\nok"

    serve(echo, scenario)


def test_chunked_bodies_arrive_and_their_trailers_do_not_pass_for_headers(serve):
    seen = []

    async def handler(request):
        body = await request.read(100)
        seen.append(request.header("authorization"))
        return Response(200, [], body)

    async def scenario(serving):
        answer = await serving.ask(
            b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nAuthorization: forged\r\n\r\n"
        )
        assert answer.body == b"abcde"
        assert seen == [None]

    serve(handler, scenario)


def test_http_1_0_without_host_is_answered_and_closed(serve, echo):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await client.rest() == b""

    serve(echo, scenario)


def test_connection_close_is_honoured(serve, echo):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + GET)
        assert (await client.answer()).headers["connection"] == "close"
        assert await client.rest() == b""

    serve(echo, scenario)


# -- Odd targets ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/caf\xc3\xa9?q=\xc3\xa9", b"/caf%C3%A9\nq=%C3%A9\nhere"),
        (b"/\xff", b"/%FF\n\nhere"),
        (b"//a//../b", b"//a//../b\n\nhere"),
        (b"/%zz%2", b"/%zz%2\n\nhere"),
        (b"/?", b"/\n\nhere"),
        (b"http://there:80/b/k?x", b"/b/k\nx\nthere:80"),
        (b"HTTP://there", b"/\n\nthere"),
        (b"http://there?x=1", b"/\nx=1\nthere"),
    ],
)
def test_odd_targets_reach_the_application_as_they_are(serve, echo, target, expected):
    async def scenario(serving):
        answer = await serving.ask(b"GET " + target + b" HTTP/1.1\r\nHost: here\r\n\r\n")
        assert answer.body == b"GET\n" + expected + b"\n"

    serve(echo, scenario)


def test_an_absolute_target_names_the_host_where_http_1_0_does_not(serve, echo):
    async def scenario(serving):
        answer = await serving.ask(b"GET http://there/b HTTP/1.0\r\n\r\n")
        assert answer.body == b"GET\n/b\n\nthere\n"

    serve(echo, scenario)


def test_options_of_the_whole_server_reaches_the_application(serve, echo):
    async def scenario(serving):
        answer = await serving.ask(b"OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n")
        assert answer.body == b"OPTIONS\n*\n\nhere\n"

    serve(echo, scenario)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400, "InvalidURI"),
        (b"GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "InvalidURI"),
        (b"GET http://u:p@h/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "InvalidURI"),
        (b"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, "InvalidURI"),
        (b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 405, "MethodNotAllowed"),
        (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, "BadRequest"),
        (b"GET /\r\n\r\n", 400, "BadRequest"),
        (b"GET / RTSP/1.0\r\nHost: h\r\n\r\n", 400, "BadRequest"),
        (b"SOURCE / ICE/1.0\r\nHost: h\r\n\r\n", 400, "BadRequest"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "InvalidRequest"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "InvalidRequest"),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "InvalidRequest"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n", 400, "BadRequest"),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400, "BadRequest"),
        (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "BadRequest"),
        (b"\x16\x03\x01\x02\x00\x01", 400, "BadRequest"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400, "BadRequest"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, "BadRequest"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "BadRequest"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "BadRequest"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "NotImplemented"),
        (b"PUT / HTTP/1.1\r\nHost: a" + 2 * b"\r\nTransfer-Encoding: chunked" + b"\r\n\r\n", 400, "BadRequest"),
    ],
)
def test_what_is_no_request_is_refused_in_s3s_words_and_the_connection_closed(serve, echo, data, status, code):
    async def scenario(serving):
        client = await serving.client()
        await client.send(data)
        answer = await client.answer()
        assert (answer.status, s3_code(answer)) == (status, code)
        assert answer.headers["connection"] == "close"
        assert await client.rest() == b""

    serve(echo, scenario)


@pytest.mark.parametrize("path", [b"/b2api/v3/b2_list_buckets", b"/file/bucket/name"])
def test_what_is_no_request_of_the_native_api_is_refused_in_its_words(serve, echo, path):
    async def scenario(serving):
        answer = await serving.ask(b"GET " + path + b" HTTP/1.1\r\n\r\n")
        said = json.loads(answer.body)
        assert list(said) == ["code", "message", "status"]
        assert (said["code"], said["status"], answer.status) == ("bad_request", 400, 400)
        assert answer.headers["content-type"].startswith("application/json")

    serve(echo, scenario)


def test_a_refused_head_has_no_body(serve, echo):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"HEAD / HTTP/1.1\r\n\r\n")
        status, headers = await client.head()
        assert (status, int(headers["content-length"]) > 0) == (400, True)
        assert await client.rest() == b""

    serve(echo, scenario)


# -- Upgrades ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("upgrade", [b"Upgrade: websocket", b"upgrade: h2c", b"UPGRADE: websocket"])
def test_an_offer_to_upgrade_is_served_as_plain_http(serve, echo, upgrade):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n" + upgrade + b"\r\n\r\n" + GET)
        assert (await client.answer()).body == b"GET\n/ws\n\nh\n"
        assert (await client.answer()).body == b"GET\n/bucket/key\n\nhere\n"

    serve(echo, scenario)


def test_an_upload_that_offers_an_upgrade_keeps_its_body(serve, echo):
    async def scenario(serving):
        answer = await serving.ask(
            b"PUT /k HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            b"HTTP2-Settings: AAEAAEAA\r\nContent-Length: 4\r\n\r\nbody"
        )
        assert answer.body == b"PUT\n/k\n\nh\nbody"

    serve(echo, scenario)


def test_an_upload_whose_offer_the_parser_takes_up_is_refused_and_not_stored_empty(serve, echo):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT /k HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n")
        await asyncio.sleep(0.02)
        await client.send(b"Upgrade: h2c\r\nContent-Length: 4\r\n\r\nbody")
        assert (await client.answer()).status == 400

    serve(echo, scenario)


# -- Limits -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_number_of_headers_is_limited(serve, echo, over):
    async def scenario(serving):
        answer = await serving.ask(headers_of(limits.HEADER_COUNT_MAX + over))
        if over <= 0:
            assert answer.status == 200
        else:
            assert (answer.status, s3_code(answer)) == (400, "RequestHeaderSectionTooLarge")
            assert b"<MaxSizeAllowed>65536</MaxSizeAllowed>" in answer.body

    serve(echo, scenario)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_bytes_of_headers_are_limited(serve, echo, over):
    async def scenario(serving):
        answer = await serving.ask(headers_of(10, limits.HEADERS_MAX_BYTES + over))
        assert answer.status == (200 if over <= 0 else 400)

    serve(echo, scenario)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_length_of_the_url_is_limited(serve, echo, over):
    async def scenario(serving):
        url = b"/" + b"u" * (limits.URL_MAX_BYTES - 1 + over)
        answer = await serving.ask(b"GET " + url + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        assert answer.status == (200 if over <= 0 else 400)

    serve(echo, scenario)


@pytest.mark.parametrize(
    "beginning", [b"GET /", b"GET / HTTP/1.1\r\nHost: h\r\nx-", b"GET / HTTP/1.1\r\nHost: h\r\nx: "]
)
def test_a_head_without_end_is_refused_before_it_fills_the_memory(serve, echo, beginning):
    async def scenario(serving):
        client = await serving.client()
        await client.send(beginning)
        for _ in range(16):
            await client.send(b"a" * 65_536)
        assert (await client.answer()).status == 400

    serve(echo, scenario)


@pytest.mark.parametrize("hoarded", [b"0\r\nx: ", b"5;ext="])
def test_trailers_and_chunk_extensions_without_end_cut_the_upload_off(serve, echo, hoarded):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + hoarded)
        for _ in range(16):
            await client.send(b"a" * 65_536)
            await asyncio.sleep(0)
        assert (await client.answer()).status == 400

    serve(echo, scenario)


def test_a_malformed_chunk_is_refused_and_its_reader_told(serve):
    broken = []

    async def handler(request):
        try:
            await request.read(100)
        except Exception as error:
            broken.append(type(error).__name__)
            raise
        return Response(200)

    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await asyncio.sleep(0.02)
        await client.send(b"zz\r\n")
        assert (await client.answer()).status == 400
        assert await client.rest() == b""
        assert broken == ["BodyBroken"]

    serve(handler, scenario)


def test_connections_over_the_cap_are_told_to_come_again(serve, echo, monkeypatch):
    monkeypatch.setattr(limits, "CONNECTIONS_PER_WORKER", 2)

    async def scenario(serving):
        first, second = await serving.client(), await serving.client()
        for client in (first, second):
            await client.send(GET)
            assert (await client.answer()).status == 200
        third = await serving.client()
        await third.send(GET)
        answer = await third.answer()
        assert (answer.status, s3_code(answer), answer.headers["retry-after"]) == (503, "SlowDown", "1")
        first.writer.close()
        third.writer.close()
        await serving.until(lambda: len(serving.state.connections) == 1)
        assert (await serving.ask(GET)).status == 200

    serve(echo, scenario)


def test_connections_over_twice_the_cap_are_not_even_answered(serve, echo, monkeypatch):
    monkeypatch.setattr(limits, "CONNECTIONS_PER_WORKER", 1)

    async def scenario(serving):
        for _ in range(2):
            await serving.client()
        assert await (await serving.client()).is_cut()

    serve(echo, scenario)


# -- Deadlines --------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize("dribble", [b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: h\r\nx: "])
def test_a_head_that_does_not_end_in_time_is_refused(serve, echo, dribble):
    async def scenario(serving):
        client = await serving.client()
        await client.send(dribble)
        answer = await client.answer()
        assert (answer.status, s3_code(answer)) == (408, "RequestTimeout")
        assert await client.rest() == b""

    serve(echo, scenario)


@pytest.mark.usefixtures("short_limits")
def test_dribbling_headers_or_blank_lines_does_not_extend_the_deadline(serve, echo):
    async def scenario(serving):
        for beginning, dribble in ((b"", b"\r\n"), (b"GET / HTTP/1.1\r\n", b"x: y\r\n"), (b"GET /", b"x"), (GET, b"G")):
            client = await serving.client()
            await client.send(beginning)
            if beginning == GET:
                assert (await client.answer()).status == 200
            began = asyncio.get_running_loop().time()
            while not client.reader.at_eof() and asyncio.get_running_loop().time() - began < 2:
                try:
                    await client.send(dribble)
                    async with asyncio.timeout(0.02):
                        await client.reader.read(1000)
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
            assert asyncio.get_running_loop().time() - began < 1

    serve(echo, scenario)


@pytest.mark.usefixtures("short_limits")
def test_an_idle_connection_is_closed_without_a_word(serve, echo):
    async def scenario(serving):
        silent = await serving.client()
        assert await silent.rest() == b""
        client = await serving.client()
        await client.send(GET)
        assert (await client.answer()).status == 200
        assert await client.rest() == b""

    serve(echo, scenario)


@pytest.mark.usefixtures("short_limits")
def test_a_slow_handler_is_not_taken_for_an_idle_client(serve):
    async def handler(request):
        await asyncio.sleep(0.5)
        return Response(200, [], b"late")

    async def scenario(serving):
        assert (await serving.ask(GET)).body == b"late"

    serve(handler, scenario)


@pytest.mark.usefixtures("short_limits")
def test_a_client_that_reads_nothing_is_cut_off_and_the_stream_closed(serve):
    closed = asyncio.Event()

    async def handler(request):
        async def body():
            try:
                while True:
                    yield b"x" * 65_536
            finally:
                closed.set()

        return Response(200, [(b"content-length", b"%d" % 10**12)], body())

    async def scenario(serving):
        client = await serving.client(limit=1)
        await client.send(GET)
        async with asyncio.timeout(5):
            await closed.wait()

    serve(handler, scenario)


@pytest.mark.usefixtures("short_limits")
def test_a_client_that_never_takes_the_last_answer_does_not_keep_its_connection(serve):
    async def handler(request):
        return Response(200, [], b"x" * 50_000_000, close=True)

    async def scenario(serving):
        client = await serving.client(limit=1)
        await client.send(GET)
        await serving.until(lambda: serving.state.total_requests == 1 and not serving.state.connections)

    serve(handler, scenario)


# -- Answers before the body was read ---------------------------------------------------------------------------------
def test_an_early_answer_keeps_the_connection_when_little_of_the_body_is_left(serve, deaf):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, "connection" in answer.headers) == (403, False)
        await client.send(b"x" * 1_000_000 + GET)
        assert (await client.answer()).status == 403

    serve(deaf, scenario)


def test_an_early_answer_is_seen_by_a_client_that_sends_everything_first(serve, deaf):
    async def scenario(serving):
        client = await serving.client()
        size = limits.DRAIN_MAX_BYTES
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // 65_536):
            await client.send(b"x" * 65_536)
        assert (await client.answer()).status == 403

    serve(deaf, scenario)


@pytest.mark.usefixtures("short_limits")
def test_an_early_answer_to_a_body_too_large_to_drain_closes_the_connection(serve, deaf):
    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (limits.DRAIN_MAX_BYTES + 1))
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (403, "close")
        assert await client.is_cut()

    serve(deaf, scenario)


@pytest.mark.usefixtures("short_limits")
def test_a_body_that_goes_on_for_ever_after_the_answer_is_cut_off(serve, deaf, monkeypatch):
    monkeypatch.setattr(limits, "DRAIN_MAX_BYTES", 100_000)
    sent = []

    async def scenario(serving):
        client = await serving.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await client.answer()).status == 403
        with pytest.raises(ConnectionError):
            await send_for_ever(client, sent)
        assert sum(sent) < 50_000_000, "more than the buffers of the system were read"

    serve(deaf, scenario)


# -- Stopping ---------------------------------------------------------------------------------------------------------
def test_shutting_down_finishes_what_is_being_answered_and_closes_the_rest(serve):
    go_on = asyncio.Event()

    async def handler(request):
        await go_on.wait()
        return Response(200, [], b"done")

    async def scenario(serving):
        idle, busy = await serving.client(), await serving.client()
        await busy.send(GET)
        await serving.until(lambda: serving.meter.in_flight == 1 and len(serving.state.connections) == 2)
        for connection in list(serving.state.connections):
            connection.shutdown()
        assert await idle.rest() == b""
        go_on.set()
        answer = await busy.answer()
        assert (answer.body, answer.headers["connection"]) == (b"done", "close")
        assert await busy.rest() == b""

    serve(handler, scenario)
