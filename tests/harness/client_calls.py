"""Which calls of the native API each tried client makes, and in which version: the source of the table in docs/clients.md.

The programs in other languages are held to their rows by the server's own count of requests (`asked`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from harness.processes import wait_until
from harness.server import Server

COUNTED_WITHIN_S = 15.0  # Counts reach the page of metrics once a second.

_READING = {"b2_authorize_account", "b2_list_buckets", "b2_list_file_names", "b2_download_file_by_name"}
_WRITING = {"b2_create_bucket", "b2_delete_bucket", "b2_get_upload_url", "b2_upload_file", "b2_delete_file_version"}
_IN_PARTS = {"b2_start_large_file", "b2_get_upload_part_url", "b2_upload_part", "b2_finish_large_file"}
_KEYS = {"b2_create_key", "b2_list_keys", "b2_delete_key"}
_ALL_SDKS = {
    *_READING, *_WRITING, *_IN_PARTS, *_KEYS, "b2_update_bucket", "b2_list_file_versions", "b2_hide_file", "b2_get_file_info",
    "b2_list_parts", "b2_get_download_authorization",
}  # fmt: skip


class Tried(NamedTuple):
    """A client: its name and version, the version of the API that it speaks, its calls, and the tests that make them."""

    name: str
    version: str
    calls: frozenset[str]
    tests: str


JAVA = Tried(
    "Backblaze's SDK for Java", "v2",
    frozenset({
        *_ALL_SDKS, "b2_copy_file", "b2_copy_part", "b2_list_unfinished_large_files", "b2_cancel_large_file",
        "b2_download_file_by_id",
    }),
    "test_java.py",
)  # fmt: skip
NODE = Tried(
    "backblaze-b2 (npm)", "v2",
    frozenset({*_ALL_SDKS, "b2_cancel_large_file", "b2_download_file_by_id"}),
    "test_node.py",
)  # fmt: skip
BLAZER = Tried(
    "blazer (Go)", "v3", frozenset({*_ALL_SDKS, "b2_list_unfinished_large_files"}), "test_blazer.py"
)  # fmt: skip
B2SDK = Tried(
    "b2, b2v3, b2v4, b2v5; b2sdk", "v4",
    frozenset({
        *JAVA.calls, "b2_update_file_legal_hold", "b2_update_file_retention", "b2_get_bucket_notification_rules",
        "b2_set_bucket_notification_rules",
    }),
    "test_b2_commands.py, test_b2_cli.py, test_b2sdk*.py",
)  # fmt: skip
RCLONE = Tried(
    "rclone", "v1", # It authorizes in version 4.
    frozenset({
        *_READING, *_WRITING, *_IN_PARTS, "b2_list_file_versions", "b2_hide_file", "b2_copy_file",
    }) - {"b2_authorize_account"},
    "test_rclone.py, test_rclone_at_size.py",
)  # fmt: skip
CLIENTS = (RCLONE, JAVA, NODE, BLAZER, B2SDK)


@contextmanager
def asked(server: Server, client: Tried) -> Iterator[None]:
    """Holds a client to its row: each of its calls is answered with success at least once within the block."""
    before = _answered(server)
    yield
    wait_until(
        lambda: all(count > before.get(call, 0) for call, count in _wanted(server, client).items()),
        f"{client.name} never made one of its calls",
        COUNTED_WITHIN_S,
    )


def _wanted(server: Server, client: Tried) -> dict[str, float]:
    answered = _answered(server)
    return {call: answered.get(call, 0) for call in client.calls}


def _answered(server: Server) -> dict[str, float]:
    """How many requests of each call the server says that it has answered with success."""
    page = server.get("/metrics", console=True)[1].decode()
    pattern = r'^undercroft_requests_total\{face="native",operation="(\w+)",status="2xx"\} (\S+)$'
    return {call: float(count) for call, count in re.findall(pattern, page, re.MULTILINE)}
