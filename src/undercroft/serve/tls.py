"""TLS for both addresses, with a certificate that can be replaced while the server runs."""

from __future__ import annotations

import ssl
from pathlib import Path

from undercroft.serve.exits import StartError


def make_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's context. Raises `StartError` where certificate and key are unusable or do not belong together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"--tls-cert, --tls-key: {certificate} and {key} cannot be used: {error}") from None
    return context


def reload(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Let new connections use what the files hold now. Raises `StartError` and changes nothing where that is unusable."""
    make_context(certificate, key)  # A context that failed halfway would refuse every connection.
    context.load_cert_chain(certificate, key, password="")
