"""Passwords: argon2id, in threads, since it is slow on purpose.

Each takes 64 MiB and up to four processors for a while, and strangers can ask for it. So a process looks at one after the other, and
when many wait the next one is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from undercroft import limits
from undercroft.store.errors import Busy, InvalidRequest
from undercroft.threads import Threads

T = TypeVar("T")
A = TypeVarTuple("A")
MIN_LENGTH = 8
MAX_LENGTH = 1024  # Ours: hashing is work that a stranger can ask for.


class _Queue:
    """Those who wait for a password to be hashed."""

    def __init__(self) -> None:
        self._threads = Threads(limits.PASSWORDS_AT_ONCE, "passwords")
        self._inside = 0

    async def run(self, work: Callable[[*A], T], *args: *A) -> T:
        """What the work returns. Raises `Busy` where too many wait."""
        if self._inside >= limits.PASSWORDS_AT_ONCE + limits.PASSWORDS_WAITING_MAX:
            raise Busy("Too many passwords are being looked at.")
        self._inside += 1
        try:
            return await self._threads.run(work, *args)
        finally:
            self._inside -= 1


_queue = _Queue()


async def hash_password(password: str, min_length: int = MIN_LENGTH) -> str:
    """The argon2id hash of a password, with its salt and parameters. Raises `InvalidRequest` for a useless one, and `Busy`.

    `min_length` (characters) is less where the password guards less than an account.
    """
    if not min_length <= len(password) <= MAX_LENGTH:
        raise InvalidRequest(f"Passwords have {min_length} to {MAX_LENGTH} characters.", "password")
    return await _queue.run(_hash, password)


async def verify_password(password: str, hashed: str | None) -> bool:
    """Whether this is the password of the hash. Without one it takes just as long, and the answer is no. Raises `Busy`."""
    if len(password) > MAX_LENGTH:
        return False
    return await _queue.run(_verify, password, hashed)


def _hash(password: str) -> str:
    from argon2 import PasswordHasher  # Slow to import, and the API workers never need it.

    return PasswordHasher().hash(password)


def _verify(password: str, hashed: str | None) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import VerifyMismatchError

    hasher = PasswordHasher()
    if hashed is None:
        hasher.hash(password)
        return False
    try:
        return hasher.verify(hashed, password)
    except VerifyMismatchError:
        return False
