"""Which passwords people may choose: long ones that are not among those that are tried first (console reference, section 3.2).

There are no rules about kinds of characters. What is tried first is told by zxcvbn, which knows the passwords that leaks have
shown most often, words, names, dates and keyboards, and sees through the usual changes to them. It needs no network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from undercroft import limits
from undercroft.store.errors import WeakPassword
from undercroft.store.identity.passwords import MAX_LENGTH


async def check_new_password(password: str, *known: str) -> None:
    """Raise `WeakPassword` unless a person may choose this; `known` is what everybody knows of them, such as the address."""
    if len(password) < limits.PASSWORD_MIN_LENGTH:
        raise WeakPassword(f"This is too short: a password has at least {limits.PASSWORD_MIN_LENGTH} characters.")
    if len(password) > MAX_LENGTH:
        raise WeakPassword(f"This is too long: a password has at most {MAX_LENGTH} characters.")
    words = [word for text in known for word in (text, *text.split("@")) if word]
    guesses = await asyncio.get_running_loop().run_in_executor(None, _guesses, password, words)
    if guesses < limits.PASSWORD_GUESSES_MIN:
        raise WeakPassword(
            "This is on the lists of common and leaked passwords, or close to one. Choose several unrelated words, for example."
        )


def _guesses(password: str, words: Sequence[str]) -> float:
    """About how many passwords are tried before this one."""
    from zxcvbn import zxcvbn  # Its lists take 16 MiB, which only whoever chooses a password needs.

    return float(zxcvbn(password[: limits.PASSWORD_LOOKED_AT], user_inputs=list(words))["guesses"])
