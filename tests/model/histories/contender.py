"""One client among several that want the same names: asks at random through both faces, and writes down what it heard.

What is asked for is chosen so that answers come often to depend on what others do at the same moment: conditions on
what was seen a moment ago, deletes of versions that others made, lists of few names a page.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from model.histories.asking import Knowledge, json_of, unexpected
from model.histories.lanes import Answer, Lanes, NoAnswer, Target
from model.histories.linearizability import NEVER
from model.histories.listing import Lister
from model.histories.records import Page, Record, Said, Seen

INLINE_BYTES = (0, 3000)
BLOB_BYTES = (66_000, 140_000)  # Beyond what is stored in the catalog itself, up to three frames.
BLOB_SHARE = 0.1
CONDITION_SHARE = 0.4
FILLER = random.Random(1).randbytes(BLOB_BYTES[1])
Answered = Said | Seen | Page | str


class Mix(NamedTuple):
    """How often each kind of request is made, in relation to the others."""

    upload: int = 30
    hide: int = 10
    delete: int = 14
    read: int = 18
    read_version: int = 8
    list_names: int = 8
    list_versions: int = 8


class Contender(Lister):
    """A client with lanes of its own. `label` is part of every body, so that no two uploads have the same bytes."""

    def __init__(self, label: str, target: Target, lanes: Lanes, rng: random.Random) -> None:
        super().__init__(label, target, lanes, rng)
        self._slot: tuple[str, str] | None = None

    async def play(self, known: Knowledge, prefix: str, requests: int, mix: Mix) -> list[Record]:
        """Make so many requests of these names, and give back what came of them."""
        self._known, self._records = known, []
        await self._lanes.fill()
        actions: dict[str, Callable[[str], Awaitable[None]]] = {
            "upload": self._upload,
            "hide": self._hide,
            "delete": self._delete,
            "read": self._read,
            "read version": self._read_version,
            "list names": lambda _name: self._list("list names", prefix),
            "list versions": lambda _name: self._list("list versions", prefix),
        }
        for _ in range(requests):
            (action,) = self._rng.choices(list(actions), list(mix))
            await actions[action](self._rng.choice(known.names))
        return self._records

    async def survey(self, names: Sequence[str], prefix: str) -> list[Record]:
        """Look once at everything through every lane, when all others are done."""
        self._known, self._records = Knowledge(names), []
        await self._lanes.fill()
        for lane in list(self._lanes.open):
            for action in ("list names", "list versions"):
                await self._list(action, prefix, lane=lane, limit=1000)
        return self._records

    # -- Requests ------------------------------------------------------------------------------------------------------
    async def _upload(self, name: str) -> None:
        self._count += 1
        rng = self._rng
        size = rng.randint(*(BLOB_BYTES if rng.random() < BLOB_SHARE else INLINE_BYTES))
        body = f"{self._label} {self._count} ".encode() + FILLER[:size]
        digests = (hashlib.md5(body).hexdigest(), hashlib.sha1(body).hexdigest())
        if rng.random() < 0.4:
            await self._native_upload(name, body, digests)
            return
        asked, headers = None, {}
        if rng.random() < CONDITION_SHARE:
            seen = self._known.digests[name]
            asked = rng.choice(seen[-3:]) if seen and rng.random() < 0.6 else "*"
            headers = {"If-None-Match": "*"} if asked == "*" else {"If-Match": f'"{asked}"'}

        def judge(answer: Answer) -> Answered:
            if answer.status == 200:
                self._known.note(name, answer.headers["x-amz-version-id"], digests[0])
                return answer.headers["x-amz-version-id"]
            if asked is not None and answer.status == 412:
                return Said.CONDITION_FAILED
            if asked not in {None, "*"} and answer.status == 404:
                return Said.NOT_VISIBLE
            raise unexpected(answer)

        record = Record("upload", "s3", name, 0, NEVER, 0, asked, digests)
        await self._s3(record, "PUT", self._path(name), judge, headers=headers, body=body)

    async def _native_upload(self, name: str, body: bytes, digests: tuple[str, str]) -> None:
        url, token = self._slot or await self._new_slot()
        headers = {
            "Host": self._target.host,
            "Authorization": token,
            "X-Bz-File-Name": quote(name),
            "X-Bz-Content-Sha1": digests[1],
            "Content-Type": "application/octet-stream",
        }

        def judge(answer: Answer) -> Answered:
            if answer.status != 200:
                raise unexpected(answer)
            said = json.loads(answer.body)
            self._known.note(name, said["fileId"], digests[0])
            return said["fileId"]

        record = Record("upload", "native", name, 0, NEVER, 0, None, digests)
        await self._ask(record, "POST", url, headers, judge, body)

    async def _new_slot(self) -> tuple[str, str]:
        """An upload URL and its token, for this client alone; any worker gives and takes them."""
        while True:
            lane = await self._any_lane()
            try:
                body = json.dumps({"bucketId": self._target.bucket_id}).encode()
                answer = await lane.ask("POST", "/b2api/v4/b2_get_upload_url", self._native_headers(), body)
            except NoAnswer:
                await self._lanes.drop(lane)
                continue
            said = json_of(answer)
            self._slot = urlsplit(said["uploadUrl"]).path, said["authorizationToken"]
            return self._slot

    async def _hide(self, name: str) -> None:
        def judge_s3(answer: Answer) -> Answered:
            if answer.status != 204:
                raise unexpected(answer)
            self._known.note(name, answer.headers["x-amz-version-id"], None)
            return answer.headers["x-amz-version-id"]

        def judge_native(answer: Answer) -> Answered:
            said = json.loads(answer.body)
            if answer.status == 200:
                self._known.note(name, said["fileId"], None)
                return said["fileId"]
            words = {"already_hidden": Said.HIDDEN_ALREADY, "no_such_file": Said.NOT_VISIBLE}
            if answer.status != 400 or said["code"] not in words:
                raise unexpected(answer)
            return words[said["code"]]

        if self._rng.random() < 0.5:
            await self._s3(Record("hide", "s3", name, 0, NEVER, 0), "DELETE", self._path(name), judge_s3)
        else:
            record = Record("hide", "native", name, 0, NEVER, 0)
            await self._native(record, "b2_hide_file", judge_native, bucketId=self._target.bucket_id, fileName=name)

    async def _delete(self, name: str) -> None:
        ids = self._known.ids[name]
        if not ids:
            await self._upload(name)
            return
        file_id = self._rng.choice(ids[-4:])

        def judge_s3(answer: Answer) -> Answered:
            if answer.status != 204:
                raise unexpected(answer)
            return Said.MARKER if "x-amz-delete-marker" in answer.headers else Said.DONE

        def judge_native(answer: Answer) -> Answered:
            if answer.status == 200:
                return Said.DONE
            if answer.status != 400 or json.loads(answer.body)["code"] != "file_not_present":
                raise unexpected(answer)
            return Said.GONE

        if self._rng.random() < 0.5:
            record = Record("delete", "s3", name, 0, NEVER, 0, file_id)
            await self._s3(record, "DELETE", f"{self._path(name)}?versionId={file_id}", judge_s3)
        else:
            record = Record("delete", "native", name, 0, NEVER, 0, file_id)
            await self._native(record, "b2_delete_file_version", judge_native, fileName=name, fileId=file_id)

    async def _read(self, name: str) -> None:
        method = self._rng.choice(["GET", "HEAD"])

        def judge_s3(answer: Answer) -> Answered:
            if answer.status == 200:
                return self._s3_seen(name, answer, method)
            if answer.status != 404:
                raise unexpected(answer)
            if answer.headers["x-amz-delete-marker"] == "true":
                self._known.note(name, answer.headers["x-amz-version-id"], None)
                return Seen(answer.headers["x-amz-version-id"], None, is_marker=True)
            return Said.NO_VERSIONS

        def judge_native(answer: Answer) -> Answered:
            if answer.status == 200:
                return self._native_seen(name, answer, method)
            if answer.status != 404:
                raise unexpected(answer)
            return Said.NOT_VISIBLE

        if self._rng.random() < 0.5:
            await self._s3(Record("read", "s3", name, 0, NEVER, 0), method, self._path(name), judge_s3)
        else:
            record = Record("read", "native", name, 0, NEVER, 0)
            path = f"/file/{self._target.bucket}/{quote(name)}"
            await self._ask(record, method, path, self._native_headers(), judge_native)

    async def _read_version(self, name: str) -> None:
        ids = self._known.ids[name]
        if not ids:
            await self._read(name)
            return
        file_id = self._rng.choice(ids[-4:])

        def judge_s3(answer: Answer) -> Answered:
            words = {404: Said.GONE, 405: Said.MARKER}
            if answer.status in words:
                return words[answer.status]
            if answer.status != 200:
                raise unexpected(answer)
            return self._s3_seen(name, answer, "GET")

        def judge_native(answer: Answer) -> Answered:
            if answer.status == 404:
                marker = b"hide marker" in answer.body
                return Said.MARKER if marker else Said.GONE
            if answer.status != 200:
                raise unexpected(answer)
            return self._native_seen(name, answer, "GET")

        if self._rng.random() < 0.5:
            record = Record("read version", "s3", name, 0, NEVER, 0, file_id)
            await self._s3(record, "GET", f"{self._path(name)}?versionId={file_id}", judge_s3)
        else:
            record = Record("read version", "native", name, 0, NEVER, 0, file_id)
            path = f"/b2api/v4/b2_download_file_by_id?fileId={file_id}"
            await self._ask(record, "GET", path, self._native_headers(), judge_native)
