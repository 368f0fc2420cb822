"""Server-side encryption in the store: whose key, what is shared, and that nothing readable lies on the disk."""

from __future__ import annotations

import asyncio
from contextlib import closing
from unittest.mock import patch

import apsw
import pytest

from harness.asynchronous import asynchronous
from harness.customer_keys import KEY, OTHER_KEY, AKey
from harness.stores import Bench, Bytes, md5, open_bench, sha1
from undercroft import limits
from undercroft.store.buckets.base import EncryptionChange
from undercroft.store.errors import (
    DataCorrupt,
    EncryptionMismatch,
    InvalidRequest,
    MetadataTooLarge,
    MissingCustomerKey,
    NeedlessCustomerKey,
    Unauthorized,
    WrongCustomerKey,
)
from undercroft.store.files.encryption import customer_key
from undercroft.store.identity.principals import Principal
from undercroft.store.model import SSE_B2, ByteRange, CustomerKey, FileVersion, NewFile

TEXT = b"what nobody but its owner may read. "
INLINE, BLOB = TEXT * 100, TEXT * 5000  # 3,600 and 180,000 bytes.
KEYS: dict[str, CustomerKey | None] = {"none": None, "SSE-B2": None, "SSE-C": KEY.store, "other": OTHER_KEY.store}


def new(mode: str, **more: object) -> NewFile:
    asked = {"none": None, "SSE-B2": SSE_B2}.get(mode, KEYS[mode])
    return NewFile("text/plain", encryption=asked, **more)


async def read(bench: Bench, version: FileVersion, mode: str, first: int = 0, end: int | None = None) -> bytes:
    body = await bench.store.files.read(version, first, version.size if end is None else end, KEYS[mode])
    return body if isinstance(body, bytes) else b"".join([block async for block in body])


async def current(bench: Bench, name: str) -> FileVersion:
    return await bench.store.files.current(bench.principal, bench.bucket, name)


def on_disk(folder) -> bytes:
    """Every byte of the data directory."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


# -- What is stored ---------------------------------------------------------------------------------------------------
@asynchronous
async def test_p8_neither_the_bytes_nor_a_customers_key_can_be_found_in_the_data_directory(tmp_path):
    folder = tmp_path / "data"
    async with open_bench(folder) as bench:
        for mode in ("SSE-B2", "SSE-C"):
            for data in (INLINE, BLOB):
                version = await bench.put(f"{mode}-{len(data)}", data, new=new(mode))
                for target in ("SSE-B2", "SSE-C", "other"):
                    await bench.store.files.copy(
                        bench.principal, version, bench.bucket, f"{mode}-{target}", new(target), source_key=KEYS[mode]
                    )
        stored = on_disk(folder)
        for secret in (TEXT, KEY.key, KEY.text.encode(), OTHER_KEY.key, OTHER_KEY.text.encode()):
            assert secret not in stored
        await bench.put("plain", INLINE)
    assert TEXT in on_disk(folder)


@pytest.mark.parametrize("mode", ["SSE-B2", "SSE-C"])
@pytest.mark.parametrize("size", [0, 1, limits.INLINE_MAX_BYTES, limits.INLINE_MAX_BYTES + 1, 200_000])
@asynchronous
async def test_sizes_and_digests_are_those_of_the_bytes_in_the_clear(tmp_path, mode, size):
    data = bytes(index % 253 for index in range(size))
    async with open_bench(tmp_path / "data") as bench:
        version = await bench.put("n", data, new=new(mode))
        assert (version.size, version.etag, version.content_sha1) == (size, md5(data), sha1(data))
        assert await read(bench, await current(bench, "n"), mode) == data
        if size > 3:
            assert await read(bench, await current(bench, "n"), mode, 2, size - 1) == data[2 : size - 1]


@asynchronous
async def test_every_blob_has_a_key_of_its_own_and_what_is_inline_a_nonce(tmp_path):
    async with open_bench(tmp_path / "data") as bench:
        for number in range(3):
            await bench.put(f"inline-{number}", INLINE, new=new("SSE-B2"))
            await bench.put(f"blob-{number}", BLOB, new=new("SSE-B2"))
        with closing(apsw.Connection(str(tmp_path / "data" / "catalog.db"))) as catalog:
            rows = catalog.execute("SELECT wrapped_key, inline FROM extents").fetchall()
        blobs = {wrapped for wrapped, inline in rows if inline is None}
        nonces = {(wrapped, inline[:12]) for wrapped, inline in rows if inline is not None}
        assert (len(rows), len(blobs), len(nonces)) == (6, 3, 3)


@asynchronous
async def test_a_key_for_small_files_serves_for_so_many_and_no_more(tmp_path):
    async with open_bench(tmp_path / "data") as bench:
        with patch.object(limits, "INLINE_KEY_USES", 3), patch.object(limits, "INLINE_KEYS_REMEMBERED", 2):
            for number in range(10):
                await bench.put(f"n-{number}", b"%d" % number, new=new("SSE-B2"))
            for number in range(10):
                assert await bench.get(f"n-{number}") == b"%d" % number
        with closing(apsw.Connection(str(tmp_path / "data" / "catalog.db"))) as catalog:
            counts = catalog.execute("SELECT count(*) FROM extents GROUP BY wrapped_key").fetchall()
        assert sorted(count for (count,) in counts) == [1, 3, 3, 3]


# -- Whose key --------------------------------------------------------------------------------------------------------
@asynchronous
async def test_the_key_decides_who_reads(tmp_path):
    async with open_bench(tmp_path / "data") as bench:
        for data in (b"", INLINE, BLOB):
            version = await bench.put("secret", data, new=new("SSE-C"))
            for key, error in ((None, MissingCustomerKey), (OTHER_KEY.store, WrongCustomerKey)):
                with pytest.raises(error):
                    await bench.store.files.read(version, 0, version.size, key)
                with pytest.raises(error):
                    bench.store.files.check_key(version, key)
            for mode in ("none", "SSE-B2"):
                version = await bench.put("open", data, new=new(mode))
                with pytest.raises(NeedlessCustomerKey):
                    await bench.store.files.read(version, 0, version.size, KEY.store)


@pytest.mark.parametrize("data", [INLINE, BLOB], ids=["inline", "blob"])
@asynchronous
async def test_another_key_with_the_same_md5_opens_nothing(tmp_path, data):
    async with open_bench(tmp_path / "data") as bench:
        version = await bench.put("secret", data, new=new("SSE-C"))
        forged = CustomerKey(OTHER_KEY.key, KEY.md5)
        with pytest.raises(WrongCustomerKey):
            await bench.store.files.read(version, 0, version.size, forged)


@pytest.mark.parametrize(
    ("algorithm", "key", "digest"),
    [
        ("AES128", KEY.text, KEY.md5), (None, KEY.text, KEY.md5), ("AES256", None, KEY.md5), ("AES256", KEY.text, None),
        ("AES256", "", KEY.md5), ("AES256", KEY.text, ""), ("AES256", KEY.text, OTHER_KEY.md5), ("AES256", "!", KEY.md5),
        ("AES256", AKey(bytes(31)).text, AKey(bytes(31)).md5), ("AES256", AKey(bytes(33)).text, AKey(bytes(33)).md5),
        ("AES256", KEY.text + "\n", KEY.md5), ("AES256", "A" * 100, KEY.md5), ("AES256", KEY.text, "ä"),
    ],
)  # fmt: skip
def test_a_key_outside_the_rules_is_refused_and_not_repeated(algorithm, key, digest):
    with pytest.raises(InvalidRequest) as caught:
        customer_key(algorithm, key, digest)
    assert KEY.text not in str(caught.value)


def test_a_key_shows_itself_nowhere():
    key = customer_key("AES256", KEY.text, KEY.md5)
    assert key.key == KEY.key
    for text in (repr(key), str(key), f"{NewFile('t/t', encryption=key)}"):
        assert repr(KEY.key) not in text
        assert KEY.text not in text


# -- Buckets ----------------------------------------------------------------------------------------------------------
@asynchronous
async def test_new_files_follow_the_bucket_as_it_is_when_they_begin_and_old_ones_stay(tmp_path):
    async with open_bench(tmp_path / "data") as bench:
        buckets, bucket_id = bench.store.buckets, bench.bucket.bucket_id
        before = await bench.put("before", INLINE)
        bench.bucket = await buckets.set_encryption(bench.principal, bucket_id, EncryptionChange(SSE_B2))
        after = await bench.put("after", INLINE)
        large = await bench.store.files.start_large_file(bench.principal, bench.bucket, "large", NewFile("t/t"))
        copied = await bench.store.files.copy(bench.principal, before, bench.bucket, "copy")
        assert [made.encryption and made.encryption.mode for made in (before, after, large, copied)] == [None] + [
            SSE_B2
        ] * 3
        assert (await current(bench, "before")).encryption is None
        bench.bucket = await buckets.set_encryption(bench.principal, bucket_id, EncryptionChange(None))
        assert (await bench.put("off again", INLINE)).encryption is None


@asynchronous
async def test_the_default_of_a_bucket_takes_a_capability_of_its_own_and_sse_c_is_none(tmp_path):
    async with open_bench(tmp_path / "data") as bench:
        key = await bench.store.identity.keys.create(bench.principal, "limited", ["writeBuckets", "readBuckets"])
        limited = Principal.of_key(key)
        with pytest.raises(Unauthorized):
            await bench.store.buckets.set_encryption(limited, bench.bucket.bucket_id, EncryptionChange(SSE_B2))
        for mode in ("SSE-C", "AES256", ""):
            with pytest.raises(InvalidRequest):
                await bench.store.buckets.set_encryption(
                    bench.principal, bench.bucket.bucket_id, EncryptionChange(mode)
                )
        assert (await bench.store.buckets.find(name=bench.bucket.name)).revision == bench.bucket.revision


@pytest.mark.parametrize(("over", "fits"), [(-1, True), (0, True), (1, False)])
@asynchronous
async def test_name_and_info_have_less_room_where_the_file_is_encrypted(tmp_path, over, fits):
    info = {"k": "v" * (limits.FILE_INFO_SECURED_MAX_BYTES - 2 + over)}
    async with open_bench(tmp_path / "data") as bench:
        await bench.put("n", INLINE, new=new("none", info=info))
        for mode in ("SSE-B2", "SSE-C"):
            if fits:
                await bench.put("n", INLINE, new=new(mode, info=info))
                continue
            with pytest.raises(MetadataTooLarge):
                await bench.put("n", INLINE, new=new(mode, info=info))


# -- Copies -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("target", sorted(KEYS))
@pytest.mark.parametrize("source", sorted(KEYS))
@asynchronous
async def test_a_copy_shares_blobs_where_both_have_the_same_key_and_no_others(tmp_path, source, target):
    async with open_bench(tmp_path / "data") as bench:
        made = await bench.put("source", BLOB, new=new(source))
        copy = await bench.store.files.copy(
            bench.principal, made, bench.bucket, "copy", new(target), source_key=KEYS[source]
        )
        assert bench.blob_count() == (1 if source == target else 2)
        assert copy.etag == made.etag
        assert await read(bench, await current(bench, "copy"), target) == BLOB
        assert await read(bench, await current(bench, "source"), source) == BLOB


@pytest.mark.parametrize("target", sorted(KEYS))
@pytest.mark.parametrize("source", sorted(KEYS))
@asynchronous
async def test_ranges_are_copied_between_all_modes_as_files_and_as_parts(tmp_path, source, target):
    spans = [(10, 3000), (65_000, 140_000)]
    async with open_bench(tmp_path / "data") as bench:
        files = bench.store.files
        for data, (first, end) in zip((INLINE, BLOB), spans, strict=True):
            made = await bench.put("source", data, new=new(source))
            asked = ByteRange(first, end - 1)
            copy = await files.copy(
                bench.principal, made, bench.bucket, "copy", new(target), byte_range=asked, source_key=KEYS[source]
            )
            assert (copy.etag, copy.content_sha1) == (md5(data[first:end]), sha1(data[first:end]))
            assert await read(bench, await current(bench, "copy"), target) == data[first:end]
            assert await read(bench, await current(bench, "copy"), target, 5, 20) == data[first + 5 : first + 20]
            large = await files.start_large_file(bench.principal, bench.bucket, "large", new(target))
            part = await files.copy_part(
                bench.principal, bench.bucket, large, 1, made, byte_range=asked,
                source_key=KEYS[source], encryption=KEYS[target],
            )  # fmt: skip
            assert part.md5 == md5(data[first:end])
            await files.finish_s3(bench.principal, bench.bucket, large, [(1, part.md5)])
            assert await read(bench, await current(bench, "large"), target) == data[first:end]


@asynchronous
async def test_the_copy_of_a_large_file_to_another_key_keeps_its_parts(tmp_path):
    async with open_bench(tmp_path / "data") as bench:
        files = bench.store.files
        large = await files.start_large_file(bench.principal, bench.bucket, "large", new("SSE-C"))
        parts = [bytes(5_000_000), BLOB]
        for number, data in enumerate(parts, 1):
            await files.upload_part(bench.principal, bench.bucket, large, number, Bytes(data), encryption=KEY.store)
        made = await files.finish_native(bench.principal, bench.bucket, large, [sha1(data) for data in parts])
        await files.copy(bench.principal, made, bench.bucket, "copy", new("SSE-B2"), source_key=KEY.store)
        copy = await current(bench, "copy")
        assert (copy.etag, copy.part_count) == (made.etag, 2)
        assert [(part.start, part.size) for part in await files.parts_of(copy)] == [
            (0, 5_000_000),
            (5_000_000, len(BLOB)),
        ]
        assert await read(bench, copy, "SSE-B2", 4_999_990, 5_000_100) == bytes(10) + BLOB[:100]


@asynchronous
async def test_a_copy_that_fails_leaves_no_blob(tmp_path):
    async with open_bench(tmp_path / "data") as bench:
        made = await bench.put("source", BLOB, new=new("SSE-C"))
        await bench.store.buckets.set_encryption(bench.principal, bench.bucket.bucket_id, EncryptionChange(SSE_B2))
        other = await bench.store.buckets.create(bench.principal, "other-bucket", "allPrivate")
        await bench.store.buckets.delete(bench.principal, other.bucket_id)
        with pytest.raises(Exception, match="other-bucket"):
            await bench.store.files.copy(bench.principal, made, other, "copy", new("SSE-B2"), source_key=KEY.store)
        assert bench.blob_count() == 1


# -- Parts ------------------------------------------------------------------------------------------------------------
@asynchronous
async def test_a_part_is_encrypted_as_its_large_file_or_refused(tmp_path):
    accepted = {("none", None), ("SSE-B2", None), ("SSE-B2", SSE_B2), ("SSE-C", KEYS["SSE-C"])}
    async with open_bench(tmp_path / "data") as bench:
        files = bench.store.files
        for mode in ("none", "SSE-B2", "SSE-C"):
            large = await files.start_large_file(bench.principal, bench.bucket, mode, new(mode))
            for asked in (None, SSE_B2, KEYS["SSE-C"], KEYS["other"]):
                upload = files.upload_part(bench.principal, bench.bucket, large, 1, Bytes(INLINE), encryption=asked)
                if any(mode == own and asked is one for own, one in accepted):
                    assert (await upload).encryption == large.encryption
                    continue
                with pytest.raises(EncryptionMismatch):
                    await upload


# -- Damage -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        "SET wrapped_key = NULL",
        "SET wrapped_key = CAST(x'80' || substr(wrapped_key, 2) AS BLOB)",
        "SET wrapped_key = substr(wrapped_key, 1, 20)",
        "SET wrapped_key = (SELECT e.wrapped_key FROM extents e WHERE e.handle <> extents.handle)",
    ],
)
@pytest.mark.parametrize("data", [INLINE, BLOB], ids=["inline", "blob"])
@asynchronous
async def test_a_data_key_that_was_changed_or_exchanged_is_told_of(tmp_path, data, change):
    async with open_bench(tmp_path / "data") as bench:
        await bench.put("one", data, new=new("SSE-B2"))
        with patch.object(limits, "INLINE_KEY_USES", 1):  # So that the two have not the same key.
            await bench.put("other", data, new=new("SSE-B2"))
        await bench.catalog.write(
            lambda tx: tx.run(f"UPDATE extents {change} WHERE handle = (SELECT min(handle) FROM extents)")
        )
        with pytest.raises(Exception, match=r"encrypted|open|key") as caught:
            await bench.get("one")
        assert isinstance(caught.value, DataCorrupt) or type(caught.value).__name__ == "StorageFailed"
        assert await bench.get("other") == data


@asynchronous
async def test_a_blob_changed_for_another_does_not_open(tmp_path):
    async with open_bench(tmp_path / "data") as bench:
        await bench.put("one", BLOB, new=new("SSE-B2"))
        await bench.put("other", BLOB[::-1], new=new("SSE-B2"))
        await bench.catalog.write(
            lambda tx: tx.run(
                "UPDATE extents SET blob_id = (SELECT max(blob_id) FROM extents) WHERE blob_id < (SELECT max(blob_id) FROM extents)"
            )
        )
        outcomes = []
        for name in ("one", "other"):
            try:
                await bench.get(name)
                outcomes.append("same")
            except Exception as error:  # noqa: BLE001 - which of the two is told is not decided here.
                outcomes.append(type(error).__name__)
        assert sorted(outcomes) == ["StorageFailed", "same"]


@asynchronous
async def test_many_readers_and_writers_of_all_modes_keep_apart(tmp_path):
    async with open_bench(tmp_path / "data") as bench:

        async def one(number: int) -> None:
            mode = sorted(KEYS)[number % 4]
            data = bytes([number]) * (1000 + number * 20_000)
            await bench.put(f"n-{number}", data, new=new(mode))
            assert await read(bench, await current(bench, f"n-{number}"), mode) == data

        await asyncio.gather(*(one(number) for number in range(16)))
