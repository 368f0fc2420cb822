"""What the console's address answers."""

from __future__ import annotations

from undercroft.console.cap_metrics import cap_metrics
from undercroft.http.health import Health
from undercroft.http.metrics import MetricsPage
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.store import Store


class ConsoleApp:
    """The handler of the console's address: `/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, store: Store, health: Health, metrics: MetricsPage) -> None:
        self._store = store
        self._health = health
        self._metrics = metrics

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        request.face = "console"
        if self._health.knows(request.raw_path):
            return await self._health(request)
        if request.raw_path == b"/metrics":
            page = self._metrics(request)
            if page.status == 200 and isinstance(page.body, bytes):
                page.body += await cap_metrics(self._store)
            return page
        return Response(404, [(b"content-type", b"text/plain; charset=utf-8")], b"Not found.\n")
