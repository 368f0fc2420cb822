"""The types of access, as the reference fixes them for this console (console-and-account 16.4)."""

from __future__ import annotations

from undercroft.store.identity.access_types import (
    ACCESS_TYPES,
    CAPABILITY_GROUPS,
    PRESETS,
    access_type_of,
    capabilities_of,
    in_order,
)
from undercroft.store.operations import ALL_CAPABILITIES, BUCKET_CAPABILITIES

OF_BUCKETS = {"Encryption", "Replications", "Notifications", "Logging", "LifecycleRules"}


def granted(access_type, *, all_names=False):
    return set(capabilities_of(access_type, list_all_bucket_names=all_names))


def test_read_only_reads_all_that_buckets_and_files_say_and_changes_nothing():
    assert granted("readOnly") == {
        "listBuckets", "listFiles", "shareFiles", *(each for each in BUCKET_CAPABILITIES if each.startswith("read")),
    }  # fmt: skip


def test_read_and_write_adds_files_and_settings_of_buckets_but_no_locks():
    added = {"writeFiles", "deleteFiles", *(f"writeBucket{what}" for what in OF_BUCKETS)}
    assert granted("readWrite") == granted("readOnly") | added


def test_write_only_neither_lists_nor_reads_files():
    assert granted("writeOnly") == {"listBuckets", "writeFiles"}


def test_only_the_checkbox_shows_the_names_of_all_buckets():
    for access_type in ACCESS_TYPES:
        assert granted(access_type, all_names=True) - granted(access_type) == {"listAllBucketNames"}
        for all_names in (True, False):
            assert access_type_of(granted(access_type, all_names=all_names)) == access_type


def test_what_no_type_grants_is_another_choice():
    for preset in PRESETS.values():
        assert access_type_of(preset) is None
    assert access_type_of(ALL_CAPABILITIES) is None


def test_every_type_and_preset_fits_a_key_of_one_bucket_and_none_bypasses_a_lock():
    for capabilities in (*(granted(each, all_names=True) for each in ACCESS_TYPES), *PRESETS.values()):
        assert set(capabilities) <= BUCKET_CAPABILITIES
        assert "bypassGovernance" not in capabilities


def test_every_capability_is_shown_in_one_group():
    shown = [capability for group in CAPABILITY_GROUPS.values() for capability in group]
    assert sorted(shown) == sorted(ALL_CAPABILITIES)
    assert in_order(shown[::-1]) == list(ALL_CAPABILITIES)
