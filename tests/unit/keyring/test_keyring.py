"""The master key: its file, and that a wrapped secret opens only where it belongs."""

from __future__ import annotations

import base64
import os

import pytest

from undercroft.keyring import KEY_BYTES, Keyring, KeyringError, load_or_create


def test_a_wrapped_secret_opens_with_its_key_and_context_only():
    keyring = Keyring(bytes(KEY_BYTES))
    wrapped = keyring.wrap(b"secret", "key:1")
    assert keyring.unwrap(wrapped, "key:1") == b"secret"
    assert b"secret" not in wrapped
    for other, context in ((keyring, "key:2"), (Keyring(b"\x01" * KEY_BYTES), "key:1")):
        with pytest.raises(KeyringError):
            other.unwrap(wrapped, context)


def test_a_flipped_bit_anywhere_is_noticed():
    keyring = Keyring(bytes(KEY_BYTES))
    wrapped = keyring.wrap(b"secret", "key:1")
    for index in range(len(wrapped)):
        damaged = bytearray(wrapped)
        damaged[index] ^= 1
        with pytest.raises(KeyringError):
            keyring.unwrap(bytes(damaged), "key:1")


def test_the_first_start_makes_a_key_file_that_only_its_owner_reads(tmp_path):
    path = tmp_path / "master.key"
    wrapped = load_or_create(path).wrap(b"secret", "x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_create(path).unwrap(wrapped, "x") == b"secret"


def test_a_key_file_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "master.key"
    load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(KeyringError, match="readable by others"):
        load_or_create(path)


def test_a_key_given_in_a_variable_wins_and_leaves_no_file(tmp_path):
    path = tmp_path / "master.key"
    load_or_create(path, encoded=base64.b64encode(bytes(KEY_BYTES)).decode())
    assert not path.exists()


@pytest.mark.parametrize("encoded", ["", "not base64!", base64.b64encode(bytes(31)).decode()])
def test_a_useless_key_is_refused(tmp_path, encoded):
    with pytest.raises(KeyringError):
        load_or_create(tmp_path / "master.key", encoded=encoded)


def test_an_unreadable_key_file_is_refused(tmp_path):
    path = tmp_path / "master.key"
    path.write_bytes(os.urandom(40))
    path.chmod(0o600)
    with pytest.raises(KeyringError):
        load_or_create(path)
