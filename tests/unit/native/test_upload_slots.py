from __future__ import annotations

import re
import subprocess
import sys

import pytest

from undercroft.native.errors import NativeError
from undercroft.native.upload_slots import UploadSlots

TOKEN = "4_000abcdefabcdef0000000001_0123abcd_000001_upld_secretsecretsecretsecret"


def test_a_token_in_use_is_refused_in_words_that_clients_match_and_that_do_not_give_it_away():
    slots = UploadSlots()
    with slots.take(TOKEN), pytest.raises(NativeError) as refused, slots.take(TOKEN):
        pass
    assert (refused.value.status, refused.value.code) == (400, "auth_token_limit")
    match = re.fullmatch(r"more than one upload using auth token (?P<token>[^)]+)", refused.value.message)
    assert match is not None
    assert "secret" not in match["token"]


def test_other_tokens_are_not_in_the_way():
    slots = UploadSlots()
    with slots.take(TOKEN), slots.take(TOKEN + "x"):
        pass


def test_a_slot_is_free_again_however_its_upload_ends():
    slots = UploadSlots()
    with slots.take(TOKEN):
        pass
    with pytest.raises(OSError, match="broken"), slots.take(TOKEN):
        raise OSError("broken")
    with slots.take(TOKEN):
        pass


def test_a_refused_upload_does_not_free_the_slot_of_the_first():
    slots = UploadSlots()
    with slots.take(TOKEN):
        for _ in range(2):
            with pytest.raises(NativeError), slots.take(TOKEN):
                pass


HOLDER = """
import pathlib, sys
from undercroft.native.upload_slots import UploadSlots
with UploadSlots(pathlib.Path(sys.argv[1])).take(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path):
    """Another process that holds the slot of TOKEN until its input ends, and the file that both share."""
    file = tmp_path / "slots"
    command = [sys.executable, "-c", HOLDER, str(file), TOKEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process, file
        process.kill()


def test_processes_that_share_a_file_tell_one_another_and_a_death_frees_the_slot(other_process):
    process, file = other_process
    slots, alone = UploadSlots(file), UploadSlots()
    for _ in range(2):
        with pytest.raises(NativeError, match="more than one upload"), slots.take(TOKEN):
            pass
    with slots.take(TOKEN + "x"), alone.take(TOKEN):
        pass
    process.kill()
    process.wait()
    with slots.take(TOKEN):
        pass


def test_a_process_that_ended_its_upload_leaves_the_slot_to_others(other_process):
    process, file = other_process
    process.communicate()
    with UploadSlots(file).take(TOKEN):
        pass
