"""P3: bytes that the disk has changed never leave; the client gets a 500, or is cut off before the bad bytes come.

`test_flipped_bits.py` has the same for bits anywhere in blobs and catalog, without a server around them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.clients import boto3_client
from harness.native import NativeCaller
from harness.server import Server
from harness.wire import Connection, Wires
from undercroft.blobs import framing
from undercroft.catalog.sqlite import opened

MIB = 1 << 20
FRAME = 64 * 1024
BUCKET = "corrupt-data"
BLOB = os.urandom(3 * MIB + 1000)
INLINE = os.urandom(20_000)
PART = os.urandom(5_000_000)
FRAMED = os.urandom(3 * FRAME + 1000)
FRAMED_BYTES = framing.stored_bytes(len(FRAMED), framing.CIPHER_AES_256_GCM)  # As a server stores it by default.
TRAILER_AT = FRAMED_BYTES - framing.TRAILER_BYTES
REGIONS = {
    "header-magic": 0,
    "header-format": 8,
    "header-cipher": 10,
    "header-zero": 11,
    "header-frame-size": 12,
    "header-id": 16,
    "header-zeros": 2000,
    "header-checksum": framing.HEADER_BYTES - 1,
    "frame-first-byte": framing.HEADER_BYTES,
    "frame-last-byte-of-the-first": framing.HEADER_BYTES + FRAME - 1,
    "frame-first-byte-of-the-last": framing.HEADER_BYTES + 3 * FRAME,
    "frame-last-byte": framing.HEADER_BYTES + len(FRAMED) - 1,
    "footer-first-entry": framing.HEADER_BYTES + len(FRAMED),
    "footer-last-checksum": framing.HEADER_BYTES + len(FRAMED) + 4 * 4 - 1,
    "footer-first-tag": framing.HEADER_BYTES + len(FRAMED) + 4 * 4,
    "footer-last-tag": TRAILER_AT - 1,
    "footer-size": TRAILER_AT,
    "footer-frames": TRAILER_AT + 8,
    "footer-format": TRAILER_AT + 12,
    "footer-cipher": TRAILER_AT + 14,
    "footer-zero": TRAILER_AT + 15,
    "footer-id": TRAILER_AT + 16,
    "footer-zeros": TRAILER_AT + 40,
    "footer-checksum": FRAMED_BYTES - 12,
    "footer-magic": FRAMED_BYTES - 8,
    "last-byte": FRAMED_BYTES - 1,
}  # Where a blob of `FRAMED` is damaged, by the name of its file.


class Got(NamedTuple):
    """What a download brought: `whole` tells whether all came that was promised."""

    status: int
    body: bytes
    whole: bool


class Downloads:
    """Downloads of one server, byte for byte, through one of the faces."""

    def __init__(self, server: Server, face: str) -> None:
        self._server = server
        self._wires = Wires(server)
        self._face = face

    def __call__(self, name: str, first: int | None = None, last: int | None = None) -> Got:
        headers = {} if first is None else {"Range": f"bytes={first}-{last}"}
        if self._face == "s3":
            wire = self._wires.s3("GET", f"/{BUCKET}/{name}", headers)
        else:
            wire = self._wires.native_download(BUCKET, name, headers)
        return asyncio.run(self._download(wire.data))

    async def _download(self, request: bytes) -> Got:
        async with await Connection.open(self._server) as connection:
            await connection.send(request)
            status, headers = await connection.head()
            expected = int(headers["content-length"])
            body = b""
            try:
                while len(body) < expected and (piece := await connection.reader.read(MIB)):
                    body += piece
            except ConnectionResetError:
                pass  # Cut off, as it should be: what counts is what came.
            return Got(status, body, len(body) == expected)


def with_another_byte(body: bytes) -> bytes:
    """The body with another byte in its middle."""
    return body[:5050] + bytes([body[5050] ^ 1]) + body[5051:]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory) -> Server:
    """A server whose files were damaged, one byte each, while it was stopped."""
    server = Server(tmp_path_factory.mktemp("corrupt") / "data", options=("--workers", "2")).start()
    s3 = boto3_client(server)
    s3.create_bucket(Bucket=BUCKET)
    blobs: dict[str, list[Path]] = {}

    def keep(name: str, store: Callable[[], object]) -> None:
        before = set((server.data_dir / "blobs").rglob("*/*"))
        store()
        blobs[name] = sorted(
            set((server.data_dir / "blobs").rglob("*/*")) - before, key=lambda path: path.stat().st_ctime_ns
        )

    for name in ("sound", "first-frame", "middle-frame", "last-frame", "header", "footer", "cut-short", "missing"):
        keep(name, lambda name=name: s3.put_object(Bucket=BUCKET, Key=name, Body=BLOB))
    for region in REGIONS:
        keep(region, lambda region=region: s3.put_object(Bucket=BUCKET, Key=region, Body=FRAMED))
    s3.put_object(Bucket=BUCKET, Key="inline", Body=INLINE)
    s3.put_object(Bucket=BUCKET, Key="inline-sound", Body=INLINE[1:])
    keep("parts", lambda: put_parts(s3))
    server.stop()

    flip(blobs["first-frame"][0], framing.HEADER_BYTES + 100)
    flip(blobs["middle-frame"][0], framing.HEADER_BYTES + 20 * FRAME + 1)
    flip(blobs["last-frame"][0], framing.HEADER_BYTES + len(BLOB) - 1)
    flip(blobs["header"][0], 10)
    flip(blobs["footer"][0], blobs["footer"][0].stat().st_size - framing.TRAILER_BYTES - 3)
    for region, offset in REGIONS.items():
        assert blobs[region][0].stat().st_size == FRAMED_BYTES
        flip(blobs[region][0], offset)
    os.truncate(blobs["cut-short"][0], blobs["cut-short"][0].stat().st_size - 5000)
    blobs["missing"][0].unlink()
    flip(blobs["parts"][1], framing.HEADER_BYTES + 10 * FRAME)
    # Not a bit of the file: a page that differs from its checksum stops the server (`test_flipped_bits.py`).
    with closing(opened(server.data_dir / "catalog.db")) as catalog:
        row, stored = catalog.execute("SELECT rowid, inline FROM extents WHERE length = ?1", (len(INLINE),)).get
        catalog.execute("UPDATE extents SET inline = ?2 WHERE rowid = ?1", (row, with_another_byte(stored)))
    server.start()
    yield server
    server.stop()


def put_parts(s3) -> None:
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    target = {"Bucket": BUCKET, "Key": "parts", "UploadId": upload}
    tags = [s3.upload_part(**target, PartNumber=number, Body=PART)["ETag"] for number in (1, 2)]
    rows = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": rows})


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


@pytest.fixture(params=["s3", "native"])
def download(request, damaged) -> Downloads:
    return Downloads(damaged, request.param)


@pytest.mark.parametrize("name", ["first-frame", "header", "footer", "cut-short", "missing", "inline"])
def test_p3_damage_that_shows_at_once_is_a_500_before_the_status_line(damaged, download, name):
    logged = damaged.log_tail(10**9).count("DataCorrupt")
    got = download(name)
    assert (got.status, got.whole) == (500, True)
    assert b"InternalError" in got.body or b'"internal_error"' in got.body
    assert INLINE[:50] not in got.body
    assert damaged.log_tail(10**9).count("DataCorrupt") > logged, "nobody is told"


@pytest.mark.parametrize("region", REGIONS)
def test_p3_a_flipped_bit_in_any_region_of_a_blob_is_a_500_in_the_dialect_of_who_asked(damaged, download, region):
    logged = damaged.log_tail(10**9).count("DataCorrupt")
    got = download(region)
    assert (got.status, got.whole) == (500, True)
    assert b"InternalError" in got.body or b'"internal_error"' in got.body
    assert damaged.log_tail(10**9).count("DataCorrupt") > logged, "nobody is told"
    undamaged_frame = download(region, FRAME, 2 * FRAME - 1)  # The second: no region is in it.
    if region.startswith("frame-"):
        assert undamaged_frame == Got(206, FRAMED[FRAME : 2 * FRAME], whole=True)
    else:
        assert undamaged_frame.status == 500


@pytest.mark.parametrize(
    ("name", "content", "bad_frame_at"),
    [
        ("middle-frame", BLOB, 20 * FRAME),
        ("last-frame", BLOB, len(BLOB) // FRAME * FRAME),
        ("parts", PART + PART, len(PART) + 10 * FRAME),
    ],
)
def test_p3_damage_further_on_cuts_the_connection_before_a_wrong_byte_leaves(
    damaged, download, name, content, bad_frame_at
):
    logged = damaged.log_tail(10**9).count("DataCorrupt")
    got = download(name)
    assert (got.status, got.whole) == (200, False)
    assert content.startswith(got.body)
    assert len(got.body) <= bad_frame_at
    assert damaged.log_tail(10**9).count("DataCorrupt") > logged, "nobody is told"


@pytest.mark.parametrize(
    ("name", "content", "bad_frame_at"),
    [
        ("first-frame", BLOB, 0),
        ("middle-frame", BLOB, 20 * FRAME),
        ("last-frame", BLOB, len(BLOB) // FRAME * FRAME),
        ("parts", PART + PART, len(PART) + 10 * FRAME),
    ],
)
def test_p3_ranges_beside_the_damage_are_served_and_ranges_that_touch_it_are_not(download, name, content, bad_frame_at):
    ranges = [(bad_frame_at + FRAME, len(content) - 1)] if bad_frame_at + FRAME < len(content) else []
    if bad_frame_at:
        ranges += [(0, bad_frame_at - 1), (bad_frame_at - 1, bad_frame_at - 1)]
    for first, last in ranges:
        assert download(name, first, last) == Got(206, content[first : last + 1], whole=True)
    assert download(name, bad_frame_at + 10, bad_frame_at + 20).status == 500


def test_p3_what_is_sound_is_served_as_ever(download):
    assert download("sound") == Got(200, BLOB, whole=True)
    assert download("inline-sound") == Got(200, INLINE[1:], whole=True)


def test_p3_a_copy_that_has_to_read_damaged_bytes_fails_and_makes_nothing(damaged):
    caller = NativeCaller(damaged)
    bucket_id = caller.call("b2_list_buckets", accountId=damaged.account_id)["buckets"][0]["bucketId"]
    listed = caller.call("b2_list_file_names", bucketId=bucket_id, prefix="middle-frame")["files"][0]
    with pytest.raises(Exception, match="internal_error"):
        caller.call("b2_copy_file", sourceFileId=listed["fileId"], fileName="copy", range="bytes=10-2000000")
    assert caller.call("b2_list_file_versions", bucketId=bucket_id, prefix="copy")["files"] == []
