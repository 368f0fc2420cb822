"""The master key: its file, and that a wrapped secret opens only where it belongs."""

from __future__ import annotations

import base64
import os
from unittest.mock import patch

import pytest

from undercroft.keyring import KEY_BYTES, Keyring, KeyringError, load_or_create
from undercroft.keyring.master_keys import MasterKeyFile


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


def test_a_missing_key_file_is_not_made_where_secrets_are_under_it_already(tmp_path):
    with pytest.raises(KeyringError, match="is missing"):
        load_or_create(tmp_path / "master.key", may_create=False)
    assert not (tmp_path / "master.key").exists()


def test_the_first_of_several_keys_wraps_and_all_unwrap():
    new, old = b"\x01" * KEY_BYTES, b"\x02" * KEY_BYTES
    both, before, after = Keyring(new, old), Keyring(old), Keyring(new)
    assert both.unwrap(before.wrap(b"secret", "x"), "x") == b"secret"
    assert after.unwrap(both.wrap(b"secret", "x"), "x") == b"secret"
    rewrapped = both.rewrap(before.wrap(b"secret", "x"), "x")
    assert both.is_current(rewrapped)
    assert after.unwrap(rewrapped, "x") == b"secret"
    assert (both.is_rotating, after.is_rotating) == (True, False)


def test_a_secret_under_a_key_that_is_not_given_says_so_and_tells_no_key():
    wrapped = Keyring(b"\x01" * KEY_BYTES).wrap(b"secret", "x")
    with pytest.raises(KeyringError, match=r"they are under key [0-9a-f]{8}, and what is given is key") as caught:
        Keyring(b"\x02" * KEY_BYTES).unwrap(wrapped, "x")
    assert (b"\x02" * KEY_BYTES).hex() not in str(caught.value)


def test_a_key_that_came_to_the_file_meanwhile_is_found(tmp_path):
    path = tmp_path / "master.key"
    mine, theirs = load_or_create(path), load_or_create(path)
    with theirs.source.changing():
        theirs.source.begin_change()
        theirs.source.begin_change()  # One change at a time: this goes on with the first.
    assert len(path.read_bytes().split()) == 2
    theirs.reload()
    assert mine.unwrap(theirs.wrap(b"secret", "x"), "x") == b"secret"
    theirs.source.end_change()
    mine.reload()
    assert mine.key_ids == theirs.key_ids[:1]


def test_a_change_in_a_folder_that_cannot_be_opened_is_refused_and_says_why(tmp_path):
    source = MasterKeyFile(tmp_path / "gone" / "master.key")
    with pytest.raises(KeyringError, match="gone cannot be opened: No such file"), source.changing():
        pass


def test_a_new_key_is_on_the_disk_before_it_wraps_anything(tmp_path):
    path = tmp_path / "master.key"
    ring = load_or_create(path)
    file = MasterKeyFile(path)
    written = []

    def die_after(renamed):
        written.append(path.read_bytes())
        raise KeyboardInterrupt

    dying = patch.object(MasterKeyFile, "_write", autospec=True, side_effect=_write_and(die_after))
    with dying, pytest.raises(KeyboardInterrupt):
        file.begin_change()
    first, coming = written[0].split()
    assert coming.startswith(b">")
    ring.reload()
    assert ring.key_ids[0] == Keyring(base64.b64decode(first)).current_id
    assert ring.is_rotating
    file.begin_change()
    assert path.read_bytes().split() == [coming[1:], first]


def _write_and(then):
    """What writes the file as ever, and then does this."""
    write = MasterKeyFile._write

    def both(self, *keys):
        write(self, *keys)
        then(self)

    return both


def test_a_file_of_far_too_many_keys_is_refused(tmp_path):
    path = tmp_path / "master.key"
    path.write_bytes((base64.b64encode(bytes(KEY_BYTES)) + b"\n") * 1000)
    path.chmod(0o600)
    with pytest.raises(KeyringError):
        load_or_create(path)


def test_an_unreadable_key_file_is_refused(tmp_path):
    path = tmp_path / "master.key"
    path.write_bytes(os.urandom(40))
    path.chmod(0o600)
    with pytest.raises(KeyringError):
        load_or_create(path)
