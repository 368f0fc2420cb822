"""Zips of selections: what is in them, under which paths, and how little is held while they are made."""

from __future__ import annotations

import io
import posixpath
import zipfile
from contextlib import asynccontextmanager

import pytest

from harness.asynchronous import asynchronous
from harness.customer_keys import KEY
from harness.stores import open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.files.archive import NOTE, Archive, path_in_zip
from undercroft.store.model import SSE_B2, NewFile

LARGE = bytes(range(256)) * 8192  # 2 MiB: several blocks, in a blob.


@asynccontextmanager
async def zipping(bench, folder, names):
    archive = Archive(bench.store.files, bench.principal, bench.bucket, folder, names)
    try:
        await archive.begin()
        yield archive
    finally:
        await archive.close()


async def _zip(bench, folder, names):
    async with zipping(bench, folder, names) as archive:
        whole = b"".join([block async for block in archive.blocks()])
    return zipfile.ZipFile(io.BytesIO(whole))


@asynchronous
async def test_a_selection_of_files_and_folders_is_one_valid_zip_with_paths_below_the_folder(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("in/a.txt", b"a")
        await bench.put("in/deep/er/b.bin", LARGE, new=NewFile("a/b", encryption=SSE_B2))
        await bench.put("in/deep/é 😀.txt", b"", new=NewFile("a/b", {"src_last_modified_millis": "1000000000000"}))
        await bench.put("in/deep/.bzEmpty", b"")
        await bench.put("in/other", b"not chosen")
        made = await _zip(bench, "in/", ["in/a.txt", "in/deep/"])
        assert made.testzip() is None
        assert made.namelist() == ["a.txt", "deep/er/b.bin", "deep/é 😀.txt"]
        assert made.read("deep/er/b.bin") == LARGE
        assert made.getinfo("deep/é 😀.txt").date_time == (2001, 9, 9, 1, 46, 40)


@asynchronous
async def test_the_empty_name_is_the_whole_bucket(tmp_path):
    async with open_bench(tmp_path) as bench:
        for name in ("a", "b/c"):
            await bench.put(name)
        assert (await _zip(bench, "", [""])).namelist() == ["a", "b/c"]


@asynchronous
async def test_what_cannot_be_in_a_zip_is_named_in_a_note_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "ZIP_FILES_MAX", 2)
    async with open_bench(tmp_path) as bench:
        await bench.put("1-secret", b"x", new=NewFile("a/b", encryption=KEY.store))
        for name in ("2", "3", "4"):
            await bench.put(f"many/{name}", b"x")
        made = await _zip(bench, "", ["gone", "1-secret", "many/"])
        assert made.namelist() == ["many/2", "many/3", NOTE]
        note = made.read(NOTE).decode()
        assert "gone: it is gone" in note
        assert "1-secret: it is encrypted with a key of your own" in note
        assert "many/4: a zip has at most 2 files" in note


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "/etc/passwd", "a/../../b", "a//b", "./x", "..", "a/.. /b", "C:\\Windows\\x", "a\\..\\b", "c:x", "a\nb", "\x00", NOTE,
    ],
)  # fmt: skip
def test_no_path_in_a_zip_leads_elsewhere(name):
    path = path_in_zip(name, "")
    assert path != name
    assert not path.startswith("/")
    assert posixpath.normpath(path) == path
    assert all(part.strip(". ") for part in path.split("/"))
    assert not set(path) & set("\\:\n\0")
    assert path_in_zip("other " + name, "") != path


def test_ordinary_paths_stay_as_they_are():
    for name in ("a", "a/b", ".hidden/...and more", "é/ü 😀", "a/ b", "-rf"):
        assert path_in_zip("in/" + name, "in/") == name


@asynchronous
async def test_a_zip_is_made_as_it_is_read_and_lets_go_of_what_it_read_when_the_reader_leaves(tmp_path):
    async with open_bench(tmp_path) as bench:
        for number in range(20):
            await bench.put(f"{number:02}", LARGE)
        opened = []
        read = bench.store.files.read

        async def watched(version, *arguments, **options):
            body = await read(version, *arguments, **options)
            opened.append(body)
            return body

        bench.store.files.read = watched
        async with zipping(bench, "", [f"{number:02}" for number in range(20)]) as archive:
            blocks = archive.blocks()
            assert len(await anext(blocks)) <= limits.ZIP_BLOCK_BYTES
            await anext(blocks)
            assert len(opened) == 1
            await blocks.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(opened[0])


@asynchronous
async def test_damage_in_the_middle_of_a_file_ends_the_zip_with_an_error(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("bad", LARGE)
        [blob] = [
            path for path in (tmp_path / "blobs").rglob("*") if path.is_file() and path.stat().st_size > len(LARGE)
        ]
        with blob.open("r+b") as file:
            file.seek(len(LARGE) // 2)
            file.write(b"damage")
        async with zipping(bench, "", ["bad"]) as archive:
            with pytest.raises(errors.DataCorrupt):
                _ = [block async for block in archive.blocks()]


@asynchronous
async def test_nobody_gets_a_zip_of_what_they_may_not_read(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("name")
        made = await bench.store.identity.keys.create(bench.principal, "lister", ["listFiles"])
        lister = await bench.store.identity.authenticate_key(made.key_id, made.secret)
        archive = Archive(bench.store.files, lister, bench.bucket, "", ["name"])
        try:
            with pytest.raises(errors.Unauthorized):
                await archive.begin()
        finally:
            await archive.close()
