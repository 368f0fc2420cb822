"""Make docs/clients.md, the table of native calls by the clients that are tried on them. Run by `make client-table`."""

from __future__ import annotations

from pathlib import Path

from harness.client_calls import CLIENTS
from undercroft.native.api_versions import VERSIONS
from undercroft.native.calls import CALLS

ROOT = Path(__file__).resolve().parent.parent
TABLE_FILE = ROOT / "docs" / "clients.md"
WIRE_TESTS = ROOT / "tests" / "wire" / "native"
OTHERS = (
    "b2_authorize_account",
    "b2_download_file_by_id",
    "b2_download_file_by_name",
    "b2_upload_file",
    "b2_upload_part",
)
ABOUT = """# The native API, call by call

Which unmodified client the tests in `tests/clients` try on which version of a call. Where none is named, no client of ours speaks that
version. The last column has the file in `tests/wire/native` that tries the call without a client. Besides, `tests/conformance` has a test for
each line of the checklist that describes the API, named by its number. Made by `make client-table`.

"""


def wire_test(call: str) -> str:
    """The file that is named after the call, or else the first that makes it."""
    own = WIRE_TESTS / f"test_{call.removeprefix('b2_')}.py"
    if own.exists():
        return own.name
    return next(path.name for path in sorted(WIRE_TESTS.glob("test_*.py")) if f'"{call}"' in path.read_text())


def table() -> str:
    """The whole file."""
    versions = [name.decode() for name in sorted(VERSIONS)]
    lines = [f"| call | {' | '.join(versions)} | on the wire |", "| --- |" + " --- |" * (len(versions) + 1)]
    for call in sorted({*CALLS, *OTHERS}):
        cells = []
        for version in versions:
            names = [client.name for client in CLIENTS if client.version == version and call in client.calls]
            if version == "v4" and call == "b2_authorize_account":
                names.append("rclone")
            cells.append(", ".join(names) or "-")
        lines.append(f"| `{call}` | {' | '.join(cells)} | {wire_test(call)} |")
    tests = [f"| {client.name} | {client.version} | {client.tests} |" for client in CLIENTS]
    return "\n".join(
        [ABOUT + lines[0], *lines[1:], "", "| client | speaks | tests |", "| --- | --- | --- |", *tests, ""]
    )


if __name__ == "__main__":
    TABLE_FILE.write_text(table())
