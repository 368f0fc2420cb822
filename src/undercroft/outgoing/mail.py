"""Sending mail by SMTP (RFC 5321), through the server that the operator names: the contract, and its driver.

A password goes over an encrypted connection alone, unless the server is on this machine. The operator chose the server, so
no guard stands between: it may be in a private network.
"""

from __future__ import annotations

import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import NamedTuple, Protocol

from undercroft import limits


class Mail(NamedTuple):
    """A letter in plain text to one address."""

    to: str
    subject: str
    text: str


class MailError(Exception):
    """A mail could not be handed over. The message is for the operator's log, and has no secret."""


class Mailer(Protocol):
    """Somebody who takes letters to their addresses."""

    async def send(self, mail: Mail) -> None:
        """Hand a letter to the server, which then answers for it. Raises `MailError`."""


class SMTPServer(NamedTuple):
    """Where mail is handed over. `is_tls` tells that the connection is encrypted from its first byte on (RFC 8314)."""

    host: str
    port: int
    is_tls: bool
    is_local: bool
    user: str | None = None
    password: str | None = None


class SMTPMailer:
    """Hands each letter over in a connection of its own."""

    def __init__(self, server: SMTPServer, sender: str, ca_file: Path | None = None) -> None:
        """`sender` is the address that letters are from; `ca_file` has further authorities, in PEM."""
        self._server = server
        self._sender = sender
        self._ca_file = ca_file

    async def send(self, mail: Mail) -> None:
        """Hand a letter to the server. Raises `MailError`."""
        import aiosmtplib  # Only who sends mail needs it.

        message = _message(self._sender, mail)
        server = self._server
        must_encrypt = server.password is not None and not server.is_tls and not server.is_local
        try:
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.is_tls,
                start_tls=True if must_encrypt else None,
                timeout=limits.MAIL_TIMEOUT_S,
                tls_context=ssl.create_default_context(cafile=self._ca_file) if self._ca_file else None,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailError(f"{type(error).__name__}: {error}") from error


def _message(sender: str, mail: Mail) -> EmailMessage:
    """The letter as it is handed over. Raises `MailError` for an address that is none."""
    message = EmailMessage()
    try:
        message["From"] = sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip(">"))
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence notice is wanted.
        message.set_content(mail.text)
    except Exception as error:  # The parser of headers raises whatever it stumbles over in an address.
        raise MailError(f"This is not an address that mail can go to: {type(error).__name__}") from error
    if len(message["To"].addresses) != 1 or not message["To"].addresses[0].domain:
        raise MailError("This is not an address that mail can go to: it is none, or several.")
    return message
