"""A receiver of webhooks: an HTTPS server on the loopback address that keeps what came and answers as it is told."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.certificates import Certificates

PATIENCE_S = 30.0
LOOPBACK = "127.0.0.0/8"  # What a server must be told to allow.


@dataclass(frozen=True)
class Came:
    """One request: its path, headers and raw body."""

    path: str
    headers: Message
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it tells."""
        events: list[dict[str, Any]] = json.loads(self.body)["events"]
        return events


class Receiver:
    """Keeps every request that came, and answers 200 unless `answer` says otherwise."""

    def __init__(self) -> None:
        self.came: list[Came] = []
        self.answer: Callable[[Came], int] = lambda _came: 200
        self.answer_headers: list[tuple[str, str]] = []
        self.answer_body = b""
        self.connections = 0
        self.port = 0
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://127.0.0.1:{self.port}/hook"

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events that came, in order, those that came again too."""
        return [event for came in self.came for event in came.events]

    def note(self, came: Came) -> int:
        """Keep a request; the status to answer with."""
        with self._changed:
            self.came.append(came)
            self._changed.notify_all()
        return self.answer(came)

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        """Return when the condition holds, which is looked at whenever something came. Fails after the timeout."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not condition():
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"in vain after {timeout_s} s; {len(self.came)} requests came: {self.came[-3:]}"
                self._changed.wait(left_s)

    def wait_for_events(self, count: int) -> list[dict[str, Any]]:
        """Return all events when so many have come."""
        self.wait_for(lambda: len(self.events) >= count)
        return self.events


@contextmanager
def receiving(certificates: Certificates, *, port: int = 0) -> Iterator[Receiver]:
    """A receiver that listens, on a port of its own or on the one given."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = PATIENCE_S

        def setup(self) -> None:
            self.request.do_handshake()  # In the connection's own thread: whoever connects and says nothing holds up nobody.
            receiver.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.note(Came(self.path, self.headers, body))
            self.send_response(status)
            for name, value in receiver.answer_headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(receiver.answer_body)))
            self.end_headers()
            self.wfile.write(receiver.answer_body)

        def log_message(self, *arguments: object) -> None:
            pass

    class Listening(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *arguments: object) -> None:
            pass  # A client that goes away in the middle is what tests do.

    listening = Listening(("127.0.0.1", port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert_file, certificates.key_file)
    listening.socket = context.wrap_socket(listening.socket, server_side=True, do_handshake_on_connect=False)
    receiver.port = listening.server_port
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
