"""Identifiers, in the formats of the B2 Native API reference, section 3.

Every id is made outside of transactions and never reused.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache

import msgspec

from undercroft import limits

CLUSTER = "000"
VAULT = "0001000"
TOME = "0000"

_ACCOUNT_ID = re.compile(r"[0-9a-f]{12}\Z")
_BUCKET_ID = re.compile(r"[0-9a-f]{24}\Z")
_FILE_ID = re.compile(
    r"4_z(?P<bucket>[0-9a-f]{24})_f(?P<kind>[1-4])(?P<handle>[0-9a-f]{15})_d\d{8}_m\d{6}"
    r"_c\d{3}_v\d{7}_t\d{4}_u(?P<ms>\d{14})\Z"
)
_FOREIGN_FILE_ID = re.compile(rf"4_z[0-9a-f]{{24}}\w{{0,{limits.FILE_ID_MAX_LENGTH - 27}}}\Z", re.ASCII)
HANDLE_BITS = 60


class FileId(msgspec.Struct, frozen=True):
    """What a file id says: the bucket, the kind of version (1 small, 2 large), its 60-bit handle and its birth."""

    bucket_id: str
    kind: int
    handle: int
    born_ms: int

    def __str__(self) -> str:
        return (
            f"4_z{self.bucket_id}_f{self.kind}{self.handle:015x}_{_birth(self.born_ms // 1000)}"
            f"_c{CLUSTER}_v{VAULT}_t{TOME}_u{self.born_ms:014d}"
        )


@lru_cache(maxsize=1024)
def _birth(seconds: int) -> str:
    return time.strftime("d%Y%m%d_m%H%M%S", time.gmtime(seconds))


SMALL = 1
LARGE = 2


def parse_file_id(text: str) -> FileId | None:
    """The parts of a file id, or None where the text cannot be one of ours."""
    match = _FILE_ID.match(text)
    if match is None:
        return None
    parsed = FileId(match["bucket"], int(match["kind"]), int(match["handle"], 16), int(match["ms"]))
    return parsed if str(parsed) == text else None


def looks_like_file_id(text: str) -> bool:
    """Whether the text could be the id of a file somewhere, if not of one of ours. It is then safe in a header."""
    return _FOREIGN_FILE_ID.match(text) is not None


def is_account_id(text: str) -> bool:
    """Whether the text has the form of an account id, which is also the form of a master key's id."""
    return _ACCOUNT_ID.match(text) is not None


def is_bucket_id(text: str) -> bool:
    """Whether the text has the form of a bucket id."""
    return _BUCKET_ID.match(text) is not None


def bucket_id(account_id: str, created_ms: int) -> str:
    """The id of a bucket: the nibbles of its time of making (6 bytes, little-endian) and its account, in turn."""
    clock = created_ms.to_bytes(6, "little").hex()
    return "".join(even + odd for even, odd in zip(clock, account_id, strict=True))


def key_id(account_id: str, counter: int) -> str:
    """The id of the account's n-th application key."""
    return f"{CLUSTER}{account_id}{counter:010x}"
