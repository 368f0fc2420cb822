"""The test modes: which calls each of them fails, and how; and the grammar in which they are asked for.

    MODE [1/N] [retry-after=SECONDS] [, …]

stands in the header `X-Bz-Test-Mode`, and in the option `--test-chance`. The first three modes are B2's own (reference,
1.1); where they say "some", one in so many is ours to choose. Errors are worded as the service words them (reference, 18).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from undercroft import limits
from undercroft.http.upload_calls import UPLOAD_FILE, UPLOAD_PART
from undercroft.native.calls import CALLS
from undercroft.native.errors import DOWNLOAD_BY_ID, DOWNLOAD_BY_NAME, as_native
from undercroft.native.transactions import CLASSES
from undercroft.store.errors import DownloadCapExceeded, StorageCapExceeded, StoreError, TransactionCapExceeded

HEADER = "x-bz-test-mode"

UPLOADS = frozenset({UPLOAD_FILE, UPLOAD_PART})
DOWNLOADS = frozenset({DOWNLOAD_BY_ID, DOWNLOAD_BY_NAME})
# Authorizing is left out of everything: a client under test has to come as far as what it is tested for.
_CALLS = frozenset(CALLS)
_STORING = UPLOADS | {
    "b2_copy_file", "b2_copy_part", "b2_get_upload_part_url", "b2_get_upload_url", "b2_start_large_file",
}  # fmt: skip
_TRANSACTIONS = frozenset(call for call in _CALLS | DOWNLOADS if CLASSES[call] != "A")


class Fault(NamedTuple):
    """The error that a call is answered with."""

    status: int
    code: str
    message: str


_BUSY = Fault(503, "service_unavailable", "c002_v0001118_t0002 is too busy")
_THROTTLED = Fault(429, "too_many_requests", "Too many requests; come again later")
_BROKEN = Fault(500, "internal_error", "incident id edc7712711ba-0501b3f37f9d")
_SLOW = Fault(408, "request_timeout", "The request body stopped arriving.")
_EXPIRED = Fault(401, "expired_auth_token", "Authorization token has expired")
_NO_CUSTOM_TIME = Fault(400, "custom_timestamp_not_allowed", "The account may not set upload timestamps")


def _fault_of(error: StoreError) -> Fault:
    """The error that the face itself answers."""
    native = as_native(error, "")
    assert native is not None
    return Fault(native.status, native.code, native.message)


_STORAGE_CAP = _fault_of(StorageCapExceeded())
_TRANSACTION_CAP = _fault_of(TransactionCapExceeded())
_DOWNLOAD_CAP = _fault_of(DownloadCapExceeded())


class Mode(NamedTuple):
    """What becomes of which operations, and of one request in how many when the header does not say."""

    faults: Mapping[str, Fault | None]  # By operation; None where the mode needs no words (`CUT_DOWNLOADS`).
    one_in: int = 1
    retry_after_s: int | None = None


EXPIRE_SOME = "expire_some_account_authorization_tokens"
EXPIRED = "expired_auth_token"
CUT_DOWNLOADS = "cut_downloads"
CUSTOM_TIMESTAMP = "custom_timestamp_not_allowed"


def _everywhere(operations: Iterable[str], fault: Fault | None) -> dict[str, Fault | None]:
    return dict.fromkeys(operations, fault)


MODES: dict[str, Mode] = {
    "fail_some_uploads": Mode(_everywhere(UPLOADS, _BUSY), one_in=4),
    EXPIRE_SOME: Mode(_everywhere(_CALLS | DOWNLOADS, _EXPIRED), one_in=12),
    "force_cap_exceeded": Mode(
        _everywhere(_TRANSACTIONS, _TRANSACTION_CAP)
        | _everywhere(_STORING, _STORAGE_CAP)
        | _everywhere(DOWNLOADS, _DOWNLOAD_CAP)
    ),
    "service_unavailable": Mode(_everywhere(_CALLS | UPLOADS | DOWNLOADS, _BUSY)),
    "internal_error": Mode(_everywhere(_CALLS | UPLOADS | DOWNLOADS, _BROKEN)),
    # Not on uploads, where the service answers 503 instead, and b2sdk gives up on a 429.
    "too_many_requests": Mode(_everywhere(_CALLS | DOWNLOADS, _THROTTLED), retry_after_s=1),
    "request_timeout": Mode(_everywhere(UPLOADS, _SLOW)),
    EXPIRED: Mode(_everywhere(_CALLS | UPLOADS | DOWNLOADS, _EXPIRED)),
    "storage_cap_exceeded": Mode(_everywhere(_STORING, _STORAGE_CAP)),
    "transaction_cap_exceeded": Mode(_everywhere(_TRANSACTIONS, _TRANSACTION_CAP)),
    "download_cap_exceeded": Mode(_everywhere(DOWNLOADS, _DOWNLOAD_CAP)),
    CUT_DOWNLOADS: Mode(_everywhere(DOWNLOADS, None)),
    CUSTOM_TIMESTAMP: Mode(_everywhere({UPLOAD_FILE}, _NO_CUSTOM_TIME)),
}


class Wish(NamedTuple):
    """A mode as somebody asked for it: on one request in `one_in`; `retry_after_s` is None for no such header."""

    name: str
    one_in: int
    retry_after_s: int | None


_ONE_IN = re.compile(r"1/([1-9][0-9]{0,6})\Z")
_RETRY_AFTER = re.compile(r"retry-after=([0-9]{1,5})\Z")


@lru_cache(maxsize=limits.TEST_MODES_CACHED)
def parse_modes(text: str) -> tuple[Wish, ...]:
    """The modes asked for, in their order. Raises `ValueError` with what is wrong."""
    return tuple(_parse(part.split()) for part in text.split(",") if part.strip())


def _parse(words: list[str]) -> Wish:
    name, *options = words
    mode = MODES.get(name)
    if mode is None:
        raise ValueError(f"unknown test mode {name[:100]!r}; there are {', '.join(MODES)}")
    one_in, retry_after_s = mode.one_in, mode.retry_after_s
    for option in options:
        if match := _ONE_IN.match(option):
            one_in = int(match[1])
        elif match := _RETRY_AFTER.match(option):
            retry_after_s = int(match[1])
        else:
            raise ValueError(f"expected 1/N or retry-after=SECONDS after {name}, got {option[:100]!r}")
    return Wish(name, one_in, retry_after_s)
