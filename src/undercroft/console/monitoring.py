"""What the console's address answers to machines: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

from undercroft.console.cap_metrics import cap_metrics
from undercroft.http.health import Health
from undercroft.http.metrics import MetricsPage
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.store import Store


class Monitoring:
    """The handler of these paths, and of no others."""

    def __init__(self, store: Store, health: Health, metrics: MetricsPage) -> None:
        self._store = store
        self._health = health
        self._metrics = metrics

    def knows(self, raw_path: bytes) -> bool:
        """Whether the path is one of them."""
        return raw_path == b"/metrics" or self._health.knows(raw_path)

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        request.face = "console"
        if self._health.knows(request.raw_path):
            return await self._health(request)
        page = self._metrics(request)
        if page.status == 200 and isinstance(page.body, bytes):
            page.body += await cap_metrics(self._store)
        return page
