"""Inputs that once broke a rule, or that look as if they did; and the campaign itself, which must find what is broken."""

from __future__ import annotations

import re

import pytest

from harness.fuzz import signatures
from harness.fuzz.campaign import Finding, Target, replay, run_campaign, slowness
from harness.fuzz.targets import TARGETS

# Target, input, and its outcome now. Where the rule was one of time, `QUICK_S` is the bound.
INPUTS: dict[str, tuple[str, bytes, str]] = {
    "a year of one digit was written without its zeros": ("conditions", b"date: 00010101T000000Z", "200"),
    "a date before the first year": ("conditions", b"date: Mon, 01 Jan 0001 00:00:00 +2359", "200"),
    "an encoded digit in a signature is the digit": (
        "sigv4-query",
        signatures.presigned("GET", "/bucket/key").replace(b"X-Amz-Signature=", b"%58-Amz-Signature="),
        "AuthorizationQueryParametersError",
    ),
    "a name that only the fifth edition of XML 1.0 knows": ("xml", b"\x03<?\xef\xbb\xbfxml?><VersioningConfiguration/>", "fifth edition"),
    "a length of 2 GiB behind an Expect": (
        "http-connection",
        b"\x01PUT /k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2147483647\r\n\r\nabc",
        "400",
    ),
    "a length of thousands of zeros before its digit": ("http-head", b"/\nhost:a\ncontent-length:" + b"3".zfill(5000), "400"),
    "a length of thousands of zeros in a request": (
        "http-connection",
        b"\x01PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: " + b"3".zfill(5000) + b"\r\n\r\nabc",
        "BadRequest",
    ),
}  # fmt: skip
QUICK_S = 0.03
QUICK: dict[str, tuple[str, bytes]] = {
    "a request line that is too long was cleaned first": (
        "http-connection",
        b"\xffGET /" + b"\xff" * 190_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    "quotation marks in an error document were escaped one by one": ("xml-out", b'"' * 16_000),
}


@pytest.mark.parametrize("what", sorted(INPUTS))
def test_inputs_that_broke_a_rule_keep_to_it(what):
    target, data, outcome = INPUTS[what]
    assert replay(TARGETS[target], data)[0] == outcome


@pytest.mark.parametrize("what", sorted(QUICK))
def test_inputs_that_took_long_no_longer_do(what):
    target, data = QUICK[what]
    assert min(replay(TARGETS[target], data)[1] for _ in range(5)) < QUICK_S * slowness()


# -- The campaign -----------------------------------------------------------------------------------------------------
def _brittle(data: bytes) -> str:
    """Breaks at what lies three words deep, where blind chance does not get."""
    if data.startswith(b"open ") and b"sesame" in data:
        assert b"!" not in data, "opened"
        return "deep"
    return "shallow"


def test_a_campaign_finds_a_broken_rule_and_names_the_input():
    target = Target("brittle", _brittle, (b"close it",), (b"open ", b"sesame", b"!"))
    with pytest.raises(
        Finding, match=r"(?s)input \d+ of seed 3: brittle: AssertionError: opened.*replay with"
    ) as found:
        run_campaign(target, 200_000, seed=3)
    data = re.search(r"replay with\n +(b['\"].*)", str(found.value))[1]
    with pytest.raises(Finding, match="opened"):
        replay(target, eval(data))  # The text that a person would paste.


def test_a_campaign_is_the_same_with_the_same_seed():
    seen: list[list[bytes]] = []
    for seed in (1, 1, 2):
        inputs: list[bytes] = []
        run_campaign(Target("same", lambda data, inputs=inputs: inputs.append(data) or "x", (b"abc",)), 300, seed=seed)
        seen.append(inputs)
    assert seen[0] == seen[1] != seen[2]


def test_a_campaign_finds_what_takes_quadratic_time():
    def quadratic(data: bytes) -> str:
        for _ in range(len(data) ** 2 // 100):
            pass
        return "done"

    with pytest.raises(Finding, match="of CPU for"):
        run_campaign(Target("slow", quadratic, (b"aab", b"ab"), (b"a" * 16,)), 2_000, seed=1)


def test_a_campaign_that_never_gets_anywhere_is_a_finding():
    with pytest.raises(Finding, match="never got to"):
        run_campaign(Target("vain", lambda _data: "refused", (b"",), reaches=frozenset({"accepted"})), 100, seed=1)
