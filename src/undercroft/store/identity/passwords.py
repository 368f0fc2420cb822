"""Passwords: argon2id, in a thread, since it is slow on purpose."""

from __future__ import annotations

import asyncio

from undercroft.store.errors import InvalidRequest

MIN_LENGTH = 8
MAX_LENGTH = 1024  # Ours: hashing is work that a stranger can ask for.


async def hash_password(password: str, min_length: int = MIN_LENGTH) -> str:
    """The argon2id hash of a password, with its salt and parameters. Raises `InvalidRequest` for a useless one.

    `min_length` (characters) is less where the password guards less than an account.
    """
    if not min_length <= len(password) <= MAX_LENGTH:
        raise InvalidRequest(f"Passwords have {min_length} to {MAX_LENGTH} characters.", "password")
    from argon2 import PasswordHasher  # Slow to import, and the API workers never need it.

    return await asyncio.get_running_loop().run_in_executor(None, PasswordHasher().hash, password)


async def verify_password(password: str, hashed: str | None) -> bool:
    """Whether this is the password of the hash. Without one it takes just as long, and the answer is no."""
    if len(password) > MAX_LENGTH:
        return False
    return await asyncio.get_running_loop().run_in_executor(None, _verify, password, hashed)


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
