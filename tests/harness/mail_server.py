"""A real SMTP server in a thread, which keeps the letters that it takes."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


class Letterbox:
    """What the server does with letters: it keeps them as sender, recipients, whether they came by TLS, and message."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bool, EmailMessage]] = []
        self.refuses = False
        self._arrived = threading.Condition()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name.
        if self.refuses:
            return "554 5.7.1 Not from you"
        message = message_from_bytes(envelope.content, policy=policy.default)
        with self._arrived:
            self.mails.append(
                (
                    envelope.mail_from,
                    envelope.rcpt_tos,
                    server.transport.get_extra_info("ssl_object") is not None,
                    message,
                )
            )
            self._arrived.notify_all()
        return "250 OK"

    def link_to(self, email: str, subject: str, *, containing: str = "", timeout_s: float = 60) -> str:
        """The first link with this word in it in the last letter to this address whose subject has these, once there is one."""
        deadline = time.monotonic() + timeout_s
        with self._arrived:
            while True:
                found = [mail[3] for mail in self.mails if email in mail[1] and subject in mail[3]["Subject"]]
                if found:
                    return re.search(rf"https?://\S*{containing}\S*", found[-1].get_content())[0]
                assert self._arrived.wait(deadline - time.monotonic()), f"no letter to {email}"


class _AnyPort(Controller):
    """A controller on a port of the system's choice."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        socket.create_connection((self.hostname, self.port), timeout=30).close()


@contextmanager
def serving_mail(**options: Any) -> Iterator[tuple[Letterbox, int]]:
    """The letterbox and the port of a server; `options` are aiosmtpd's."""
    box = Letterbox()
    controller = _AnyPort(box, hostname="127.0.0.1", port=0, ready_timeout=60, **options)
    controller.start()
    try:
        yield box, controller.port
    finally:
        controller.stop()
