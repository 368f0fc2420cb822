"""Sending a document to a target that a user named, once, and what came of it. When to try again is for the caller to say."""

from __future__ import annotations

from typing import NamedTuple

import structlog

from undercroft import limits
from undercroft.outgoing.contract import Headers, TargetError, Visitor
from undercroft.store.ambient import Ambient

_log = structlog.get_logger(__name__)


class Outcome(NamedTuple):
    """What came of sending something. `status` is None where no answer came, `error` is None for success."""

    status: int | None
    duration_ms: int
    error: str | None
    body: bytes = b""


async def send(visitor: Visitor, headers: Headers, body: bytes, ambient: Ambient, **who: str) -> Outcome:
    """Post a body, within the bounds of webhooks. Raises nothing; `who` is for the log, where something broke here."""
    began_ms = ambient.now_ms()
    status, error, answered = None, None, b""
    try:
        status, answered = await visitor.post(headers, body)
        if not 200 <= status < 300:
            error = f"The target answered {status}"
    except TargetError as failure:
        error = str(failure)
    except Exception as failure:  # noqa: BLE001 - whatever a target brings about must not end the steward.
        # Of the error only its kind: its text may repeat what the target was sent, and that is secret.
        _log.error("delivery_broke", error=type(failure).__name__, **who)
        error = "It could not be sent"
    return Outcome(status, max(0, ambient.now_ms() - began_ms), error, answered)


def backoff_s(attempts: int) -> float:
    """How long to wait after so many failures in a row, in seconds."""
    return min(limits.DELIVERY_BACKOFF_MIN_S * 2.0 ** min(attempts - 1, 32), limits.DELIVERY_BACKOFF_MAX_S)
