"""The SHA-1 that uploads from the browser are sent with, as the browser itself works it out, against Python's."""

from __future__ import annotations

import hashlib
import random

import pytest

DIGEST = """async (pieces) => {
    const { Sha1 } = await import('/static/now/js/uploads/sha1.js');
    const digest = new Sha1();
    const seen = [];
    for (const piece of pieces) {
        digest.update(Uint8Array.from(piece));
        seen.push(digest.hex());
    }
    return seen;
}"""


def expected(pieces):
    digest, seen = hashlib.sha1(), []
    for piece in pieces:
        digest.update(bytes(piece))
        seen.append(digest.hexdigest())
    return seen


@pytest.fixture
def page(console):
    console.open("/buckets")
    return console.page


def test_every_length_around_the_blocks_is_right(page):
    for length in [*range(131), 191, 192, 193, 4096, 65_537]:
        pieces = [list(random.Random(length).randbytes(length))]
        assert page.evaluate(DIGEST, pieces) == expected(pieces), length


def test_pieces_of_any_length_come_to_the_same_and_a_digest_may_be_read_between_them(page):
    source = random.Random(5)
    for _ in range(40):
        pieces = [
            list(source.randbytes(source.choice([0, 1, 55, 56, 63, 64, 65, 128, source.randrange(500)])))
            for _ in range(12)
        ]
        assert page.evaluate(DIGEST, pieces) == expected(pieces)


def test_a_copy_goes_its_own_way(page):
    script = """async () => {
        const { Sha1 } = await import('/static/now/js/uploads/sha1.js');
        const first = new Sha1().update(new TextEncoder().encode("abc".repeat(30)));
        const second = first.copy().update(new TextEncoder().encode("d"));
        return [first.hex(), second.hex()];
    }"""
    assert page.evaluate(script) == [hashlib.sha1(b"abc" * 30 + tail).hexdigest() for tail in (b"", b"d")]


def test_the_length_is_right_above_what_32_bits_say(page):
    """512 MiB are 2^32 bits. Rounds of equal blocks keep this quick: 16 MiB at a time, 33 times."""
    script = """async () => {
        const { Sha1 } = await import('/static/now/js/uploads/sha1.js');
        const digest = new Sha1();
        const piece = new Uint8Array(16 * 1024 * 1024);
        for (let turn = 0; turn < 33; turn++) digest.update(piece);
        return digest.hex();
    }"""
    zeros = hashlib.sha1()
    for _ in range(33):
        zeros.update(bytes(16 * 1024 * 1024))
    assert page.evaluate(script) == zeros.hexdigest()
