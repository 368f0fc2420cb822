"""The ASGI application of the console's address: monitoring, the files of the pages, and the pages themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

from starlette.routing import BaseRoute, Mount, Route, Router

from undercroft.console.assets import Assets
from undercroft.console.guard import Guard
from undercroft.console.languages import OWN_FOLDER
from undercroft.console.languages.catalogues import load
from undercroft.console.languages.scripts import SCRIPT_PATH, script_of
from undercroft.console.monitoring import Monitoring
from undercroft.console.page import Page
from undercroft.console.sections import PAGES
from undercroft.console.visit import Console
from undercroft.http.adapter import Adapter
from undercroft.http.exchange import ClientGone
from undercroft.http.health import Health
from undercroft.http.metrics import MetricsPage, RequestMeter
from undercroft.settings import Settings
from undercroft.store import Store

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASSETS_PATH = "/static/{version}"


class ConsoleApp:
    """What the console's process serves. `meter` counts its requests."""

    def __init__(self, store: Store, settings: Settings, meter: RequestMeter) -> None:
        self._monitoring = Monitoring(store, Health(store.ready), MetricsPage(settings, meter))
        self._machines = Adapter(self._monitoring, meter)
        self._meter = meter
        assets = Assets()
        languages = load(settings.data / OWN_FOLDER)
        guard = Guard(Console(store, settings, assets.version, {page.path for page in PAGES}, languages))
        self._router = Router(
            [Mount(ASSETS_PATH, assets), Route(SCRIPT_PATH, script_of(languages)), *_routes(guard)],
            redirect_slashes=False,
            default=guard.nothing_here,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._monitoring.knows(scope["raw_path"]):
            await self._machines(scope, receive, send)
            return
        began = perf_counter()
        status = 499  # As in `Adapter`: the client went away before it was answered.
        sent = 0

        async def count(message: MutableMapping[str, Any]) -> None:
            nonlocal status, sent
            status = message.get("status", status)
            sent += len(message.get("body", b""))
            await send(message)

        self._meter.in_flight += 1
        try:
            await self._router(scope, receive, count)
        except OSError as error:
            raise ClientGone(str(error)) from error
        finally:
            self._meter.in_flight -= 1
            self._meter.record(
                "console", scope.get("operation", ""), status, perf_counter() - began, received=0, sent=sent
            )


def _routes(guard: Guard) -> list[BaseRoute]:
    """A route a path, since a path that is known but not with this method is answered as such."""
    by_path: dict[str, dict[str, Page]] = {}
    for page in PAGES:
        by_path.setdefault(page.path, {})[page.method] = page
    return [
        Route(path, guard.endpoint(pages), methods=sorted(pages), include_in_schema=False)
        for path, pages in by_path.items()
    ]
