"""uvicorn's server, on sockets that the supervisor bound, with our protocol and our way of stopping."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import structlog
import uvicorn

from undercroft import limits
from undercroft.http.protocol import HTTPProtocol
from undercroft.serve import tls
from undercroft.serve.exits import StartError
from undercroft.settings import Settings

_log = structlog.get_logger(__name__)


async def serve(app: Any, settings: Settings, sockets: Sequence[socket.socket], ready: Callable[[], None]) -> None:
    """Serve an ASGI application until SIGTERM, then let requests in flight finish, `GRACEFUL_STOP_S` at most.

    SIGHUP loads certificate and key again; where they are unusable, the old ones stay.
    """
    loop = asyncio.get_running_loop()
    context: ssl.SSLContext | None = None
    if settings.tls_cert is not None and settings.tls_key is not None:
        # In this order, a hang-up that comes between the two is not lost: the loop acts on it later.
        loop.add_signal_handler(signal.SIGHUP, lambda: _reload(context, settings))
        context = tls.make_context(settings.tls_cert, settings.tls_key)
    config = uvicorn.Config(
        app,
        http=HTTPProtocol,
        ws="none",
        lifespan="off",
        loop="uvloop",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        backlog=limits.LISTEN_BACKLOG,
        timeout_graceful_shutdown=int(limits.GRACEFUL_STOP_S),
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )
    server = _Server(config, ready)
    loop.add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve(sockets=list(sockets))


def _reload(context: ssl.SSLContext | None, settings: Settings) -> None:
    assert context is not None
    assert settings.tls_cert is not None
    assert settings.tls_key is not None
    try:
        tls.reload(context, settings.tls_cert, settings.tls_key)
    except StartError as error:
        _log.error("tls_reload_failed", error=str(error))
    else:
        _log.info("tls_reloaded")


class _Server(uvicorn.Server):
    """Leaves signals to the process and says when it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    def stop(self) -> None:
        """Stop accepting, finish what is in flight, and end."""
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would raise the signal again at the end, and the process would die of it."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, and say so."""
        await super().startup(sockets)
        self._ready()
