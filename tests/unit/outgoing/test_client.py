"""Posting to targets: to the address that was checked, to nobody else, within bounds."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.asynchronous import asynchronous
from harness.certificates import make_certificates
from harness.notifications import rule
from harness.receiver import LOOPBACK, receiving
from undercroft import limits
from undercroft.outgoing.client import Outgoing
from undercroft.outgoing.contract import NoWayOut, TargetError, TargetRefused
from undercroft.store.buckets.notification_rules import Header, Target, check_rules
from undercroft.store.errors import InvalidRequest
from undercroft.store.work.event_messages import headers_of


@pytest.fixture(scope="module")
def own_certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"), "hooks.example.com")


@pytest.fixture
def outgoing(own_certificates):
    return Outgoing(allowed=[LOOPBACK], ca_file=own_certificates.ca_file)


@pytest.fixture
def receiver(own_certificates):
    with receiving(own_certificates) as listening:
        yield listening


async def post(outgoing, url, body=b"{}", headers=()):
    visitor = outgoing.to(url)
    try:
        return await visitor.post(headers, body)
    finally:
        await visitor.close()


@asynccontextmanager
async def answering(certificates, talk):
    """A server that says what `talk(reader, writer)` says, over TLS where it has a certificate; its URL."""

    async def serve(reader, writer):
        try:
            await talk(reader, writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()

    context = None
    if certificates is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.cert_file, certificates.key_file)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


def said(answer, after=b"\r\n\r\n"):
    """A talk that reads a request's head, up to `after`, and says this."""

    async def talk(reader, writer):
        await reader.readuntil(after)
        writer.write(answer)
        await writer.drain()
        await reader.read()

    return talk


@asynchronous
async def test_a_request_arrives_as_it_was_given_and_its_answer_comes_back(outgoing, receiver):
    receiver.answer, receiver.answer_body = (lambda _came: 418), b"short and stout"
    answer = await post(outgoing, f"{receiver.url}/a%20b?c=d", b'{"x":1}', [("X-Mine", "\N{SNOWMAN}".encode())])
    assert answer == (418, b"short and stout")
    (came,) = receiver.came
    assert (came.path, came.body) == ("/hook/a%20b?c=d", b'{"x":1}')
    assert came.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert came.headers["X-Mine"].encode("latin-1").decode() == "\N{SNOWMAN}"


@asynchronous
async def test_one_connection_serves_several_requests_and_another_is_made_where_it_is_gone(outgoing, receiver):
    visitor = outgoing.to(receiver.url)
    for _ in range(3):
        await visitor.post([], b"{}")
    assert receiver.connections == 1
    receiver.answer_headers = [("Connection", "close")]
    for _ in range(2):
        await visitor.post([], b"{}")
    assert receiver.connections == 2
    await visitor.close()
    assert len(receiver.came) == 5


@asynchronous
async def test_a_connection_that_died_while_it_was_kept_is_made_anew(outgoing, own_certificates):
    requests = []

    async def talk(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        requests.append(head)
        await reader.readexactly(2)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()  # It closes without having said that it would.

    async with answering(own_certificates, talk) as url:
        visitor = outgoing.to(url)
        for _ in range(2):
            assert (await visitor.post([], b"{}")).status == 200
        await visitor.close()
    assert len(requests) == 2


@asynchronous
async def test_a_redirect_is_an_answer_and_is_not_followed(outgoing, receiver, own_certificates):
    with receiving(own_certificates) as elsewhere:
        receiver.answer = lambda _came: 307
        receiver.answer_headers = [("Location", elsewhere.url)]
        assert (await post(outgoing, receiver.url)).status == 307
        assert elsewhere.came == []


@asynchronous
async def test_a_private_address_is_refused_without_any_connection(own_certificates, receiver):
    with pytest.raises(TargetRefused):
        await post(Outgoing(ca_file=own_certificates.ca_file), receiver.url)
    assert receiver.connections == 0
    with pytest.raises(TargetRefused):
        await NoWayOut(receiver.url).post([], b"")


@asynchronous
async def test_the_connection_goes_to_the_address_that_was_checked_whatever_the_name_means_later(
    outgoing, receiver, monkeypatch
):
    asked = []

    def resolve(host, port, **_):
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    answer = await post(outgoing, f"https://hooks.example.com:{receiver.port}/hook")
    assert (answer.status, asked) == (200, ["hooks.example.com"])
    assert receiver.came[0].headers["Host"] == f"hooks.example.com:{receiver.port}"


@asynchronous
async def test_a_certificate_must_be_that_of_the_host_and_of_an_authority_that_is_trusted(
    outgoing, receiver, monkeypatch
):
    with pytest.raises(TargetError, match="certificate is not valid"):
        await post(Outgoing(allowed=[LOOPBACK]), receiver.url)

    def resolve(_host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(TargetError, match="certificate is not valid"):
        await post(outgoing, f"https://other.example.com:{receiver.port}/hook")
    assert receiver.came == []


@asynchronous
async def test_a_target_that_is_down_or_speaks_no_tls_is_an_error_of_the_target(outgoing):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(TargetError, match="refused"):
            await post(outgoing, f"https://127.0.0.1:{bound.getsockname()[1]}/")
    async with answering(None, said(b"hello\r\n", after=b"\x01")) as url:
        with pytest.raises(TargetError, match="TLS"):
            await post(outgoing, url)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (3 * limits.TARGET_HEADERS_MAX_BYTES) + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
    ],
)
@asynchronous
async def test_what_is_no_answer_is_an_error_of_the_target(outgoing, own_certificates, answer):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with answering(own_certificates, talk) as url:
        with pytest.raises(TargetError, match="broke"):
            await post(outgoing, url)


HOSTS = st.text("aZ9.-_~%!$&'()*+,;=[]:", min_size=1, max_size=12) | st.sampled_from(
    [".", "..", ".a", "a.", "-", "a" * 64, "1", "0x7f.1", "[::1]", "[fe80::1%25lo]", "xn--a", "a:1", "%41"]
)
PATHS = st.text([chr(code) for code in range(33, 127)], max_size=8)
HEADERS = st.lists(st.tuples(st.text("aB-9!#%*", min_size=1, max_size=4), st.text(max_size=4)), max_size=3)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HOSTS, PATHS, HEADERS)
def test_whatever_target_a_rule_may_have_is_posted_to_or_is_an_error_of_the_target(receiver, host, path, headers):
    custom = tuple(Header(*pair) for pair in headers)
    url = f"https://{host}/{path}"
    try:
        check_rules([rule(target=Target(url, custom))])
    except InvalidRequest:
        return

    @asynchronous
    async def attempt():
        genuine = asyncio.get_running_loop().getaddrinfo

        async def resolve(host, port, **options):
            if host[0] not in "0123456789[":
                host.encode("idna")  # As the resolver does.
            return await genuine("127.0.0.1", receiver.port, **options)

        anywhere = Outgoing(allowed=[LOOPBACK])
        anywhere.__dict__["tls"] = ssl._create_unverified_context()
        with mock.patch.object(asyncio.get_running_loop(), "getaddrinfo", resolve):
            visitor = anywhere.to(url)
            visitor._port = receiver.port
            try:
                await visitor.post(headers_of(Target(url, custom), b"{}"), b"{}")
            except TargetError:
                return
            finally:
                await visitor.close()
        place, _, query = f"/{path}".partition("#")[0].partition("?")
        place = "/" + place.lstrip("/")  # As Python's own server reads it.
        assert receiver.came[-1].path == (f"{place}?{query}" if query else place)

    attempt()


@asynchronous
async def test_a_target_that_announces_without_end_is_cut_off_at_the_limit(outgoing, own_certificates):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
            await writer.drain()

    async with answering(own_certificates, talk) as url:
        with pytest.raises(TargetError, match="broke: it says too much"):
            await post(outgoing, url)


@asynchronous
async def test_p8_an_error_repeats_nothing_of_what_the_target_was_sent(outgoing, own_certificates):
    async def echo(reader, writer):
        writer.write(await reader.readuntil(b"\r\n\r\n"))
        await writer.drain()

    async with answering(own_certificates, echo) as url:
        with pytest.raises(TargetError) as refused:
            await post(outgoing, url + "hook?token=SECRET", headers=[("X-Api-Token", b"SECRET")])
    assert "SECRET" not in str(refused.value)


@asynchronous
async def test_a_host_that_no_certificate_can_name_is_an_error_of_the_target(outgoing, own_certificates):
    async with answering(own_certificates, said(b"")) as url:
        with pytest.raises(TargetError, match="not known"):
            await post(outgoing, url.replace("127.0.0.1", "[::ffff:127.0.0.1%a..b]"))


@asynchronous
async def test_of_a_long_answer_no_more_is_read_than_the_limit(outgoing, own_certificates):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
    async with answering(own_certificates, said(head + bytes(4 * limits.TARGET_ANSWER_MAX_BYTES))) as url:
        answer = await post(outgoing, url)
        assert (answer.status, len(answer.body)) == (200, limits.TARGET_ANSWER_MAX_BYTES)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", b"HTTP/1.1 100 C\r\n\r\n"],
)
@asynchronous
async def test_a_target_has_only_so_much_time_for_all_of_its_answer(outgoing, own_certificates, answer):
    with mock.patch.object(limits, "TARGET_TIMEOUT_S", 0.3):
        async with answering(own_certificates, said(answer)) as url:
            with pytest.raises(TargetError, match="No answer within"):
                await post(outgoing, url)


@asynchronous
async def test_a_target_that_does_not_shake_hands_has_no_more_time(outgoing):
    with mock.patch.object(limits, "TARGET_TIMEOUT_S", 0.3):
        async with answering(None, lambda reader, _writer: reader.read()) as url:
            with pytest.raises(TargetError, match="No answer within"):
                await post(outgoing, url)


class Pieces:
    """A body in pieces, the last of which may be an error."""

    def __init__(self, *pieces, length=None):
        self.length = sum(map(len, pieces)) if length is None else length
        self._pieces = pieces
        self.closed = 0

    async def chunks(self):
        try:
            for piece in self._pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.closed += 1


@asynchronous
async def test_a_body_that_is_made_while_it_is_sent_arrives_as_any(outgoing, receiver):
    visitor = outgoing.to(receiver.url)
    body = Pieces(b"ab", b"", b"c" * 300_000)
    for _ in range(2):
        assert (await visitor.post([], body)).status == 200
    await visitor.close()
    assert [one.body for one in receiver.came] == [b"ab" + b"c" * 300_000] * 2
    assert body.closed == 2


@pytest.mark.parametrize("error", [ValueError("broken"), OSError("disk")])
@asynchronous
async def test_what_breaks_the_making_of_a_body_is_not_taken_for_the_target(outgoing, receiver, error):
    body = Pieces(b"ab", error, length=5)
    with pytest.raises(type(error)) as raised:
        await post(outgoing, receiver.url, body)
    assert raised.value is error
    assert body.closed == 1
