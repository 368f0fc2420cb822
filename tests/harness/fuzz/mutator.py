"""Makes new inputs of old ones: small damage, words of the grammar, repetition, and pieces of other inputs.

Everything follows from the generator it is given, so the same seed makes the same inputs, whatever the machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

INPUT_MAX_BYTES = 4096
GROWN_MAX_BYTES = 48 * 1024  # What repetition may make of an input: quadratic behaviour shows at sizes that hurt.
NUMBERS = (
    b"", b"0", b"-0", b"-1", b"1", b"+1", b"00", b"1.0", b"1e9", b"0x1", b"999", b"1000", b"1001", b"10000", b"10001", b"65535", b"65536",
    b"2147483647", b"2147483648", b"4294967296", b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"9" * 40,
)  # fmt: skip
ODD = (
    b"\x00", b"\r", b"\n", b"\r\n", b"\t", b" ", b"%", b"%0", b"%00", b"%zz", b"%2F", b"%2f", b"%25", b"%C3%A9", b"%C3", b"%ED%A0%80", b"+", b"&",
    b"=", b";", b",", b"/", b"//", b"/../", b"?", b"#", b":", b'"', b"\\", b"'", b"<", b">", b"*", b"\xff", b"\xc3\xa9", b"\xc3",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xf0\x9f\x98\x80", b"\x7f", b"\x85", b"\xc2\x85",
)  # fmt: skip


class Mutator:
    """Mutations by one generator, with the words of one grammar."""

    def __init__(self, rng: random.Random, words: Sequence[bytes]) -> None:
        self._rng = rng
        self._words = tuple(words) or ODD
        self._kinds: tuple[Callable[[bytes, bytes], bytes], ...] = (
            self._flip, self._replace, self._delete, self._insert_odd, self._insert_word, self._insert_word, self._put_word, self._put_number,
            self._duplicate, self._splice, self._swap, self._cut_off, self._case, self._escape,
        )  # fmt: skip

    def mutate(self, data: bytes, other: bytes) -> bytes:
        """One to five mutations of `data`; pieces may come from `other`. One input in 64 is grown."""
        rng = self._rng
        for _ in range(1 + int(rng.random() * rng.random() * 5)):
            data = self._kinds[int(rng.random() * len(self._kinds))](data, other)
        data = data[:INPUT_MAX_BYTES]
        return self._grow(data) if rng.random() < 1 / 64 else data

    def _below(self, limit: int) -> int:
        return int(self._rng.random() * limit)

    def _range(self, data: bytes) -> tuple[int, int]:
        """The bounds of a piece, mostly a short one."""
        start = self._below(len(data) + 1)
        longest = len(data) - start
        length = self._below(longest + 1) if self._rng.random() < 0.2 else self._below(min(longest, 12) + 1)
        return start, start + length

    def _odd(self) -> bytes:
        return ODD[self._below(len(ODD))]

    def _flip(self, data: bytes, _other: bytes) -> bytes:
        if not data:
            return self._odd()
        at = self._below(len(data))
        return data[:at] + bytes((data[at] ^ 1 << self._below(8),)) + data[at + 1 :]

    def _replace(self, data: bytes, _other: bytes) -> bytes:
        at = self._below(len(data) + 1)
        return data[:at] + bytes((self._below(256),)) + data[at + 1 :]

    def _delete(self, data: bytes, _other: bytes) -> bytes:
        start, end = self._range(data)
        return data[:start] + data[end:]

    def _insert_odd(self, data: bytes, _other: bytes) -> bytes:
        at = self._below(len(data) + 1)
        return data[:at] + self._odd() + data[at:]

    def _insert_word(self, data: bytes, _other: bytes) -> bytes:
        at = self._below(len(data) + 1)
        return data[:at] + self._words[self._below(len(self._words))] + data[at:]

    def _put_word(self, data: bytes, _other: bytes) -> bytes:
        """A word in the place of another one, where there is one."""
        old = self._words[self._below(len(self._words))]
        new = self._words[self._below(len(self._words))]
        if old and old in data:
            return data.replace(old, new, 1 if self._rng.random() < 0.8 else -1)
        start, end = self._range(data)
        return data[:start] + new + data[end:]

    def _put_number(self, data: bytes, _other: bytes) -> bytes:
        """A number that means something in the place of a run of digits."""
        number = NUMBERS[self._below(len(NUMBERS))]
        start = self._below(len(data) + 1)
        while start < len(data) and not 48 <= data[start] <= 57:
            start += 1
        end = start
        while end < len(data) and 48 <= data[end] <= 57:
            end += 1
        return data[:start] + number + data[end:]

    def _duplicate(self, data: bytes, _other: bytes) -> bytes:
        start, end = self._range(data)
        at = self._below(len(data) + 1)
        return data[:at] + data[start:end] + data[at:]

    def _splice(self, data: bytes, other: bytes) -> bytes:
        start, end = self._range(data)
        first, last = self._range(other)
        return data[:start] + other[first:last] + data[end:]

    def _swap(self, data: bytes, _other: bytes) -> bytes:
        one, two, three = sorted(self._below(len(data) + 1) for _ in range(3))
        return data[:one] + data[two:three] + data[one:two] + data[three:]

    def _cut_off(self, data: bytes, _other: bytes) -> bytes:
        at = self._below(len(data) + 1)
        return data[:at] if self._rng.random() < 0.7 else data[at:]

    def _case(self, data: bytes, _other: bytes) -> bytes:
        start, end = self._range(data)
        return data[:start] + data[start:end].swapcase() + data[end:]

    def _escape(self, data: bytes, _other: bytes) -> bytes:
        """A byte percent-encoded, which often means the same."""
        at = self._below(len(data) + 1)
        code = b"%%%02X" if self._rng.random() < 0.7 else b"%%%02x"
        return data[:at] + b"".join(code % byte for byte in data[at : at + 1]) + data[at + 1 :]

    def _grow(self, data: bytes) -> bytes:
        """A piece repeated until the input is as long as a hostile one."""
        start, end = self._range(data)
        piece = data[start:end] or self._odd()
        return data[:start] + piece * self._below(GROWN_MAX_BYTES // len(piece)) + data[end:]
