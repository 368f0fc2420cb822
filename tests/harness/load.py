"""Mixed load through both faces, a ledger of what the server acknowledged, and the proof that all of it is there.

Every file carries the SHA-256 of its content in its metadata. So whatever is visible can be judged, also a write whose
acknowledgement was lost: it may be there or not, but never in part.
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import urllib3
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from harness.clients import boto3_client
from harness.native import NativeCaller, NativeError
from harness.server import Server

THREADS_A_FACE = 3
PART_BYTES = 5_000_000
POOL = os.urandom(12_000_000)
SMALL_BYTES = (0, 100, 4096, 30_000, 65_536, 70_000)
MEDIUM_BYTES = (1_000_000, 3_000_000)
REREAD = 100  # How many files verified before are read once more in each verification.
KEPT = 1000  # So many versions are left to later rounds; older ones are deleted, so that a round stays short.
JOIN_TIMEOUT_S = 60.0
BUCKET = "under-load"


@dataclass
class Ledger:
    """What the server said, as far as it said anything. Each name and file id is used by one thread only."""

    written: dict[str, str] = field(default_factory=dict)  # SHA-256 by file id.
    doomed: set[str] = field(default_factory=set)  # A delete was asked for.
    deleted: set[str] = field(default_factory=set)  # A delete was acknowledged.
    hidden: dict[str, str] = field(
        default_factory=dict
    )  # Hide marker by name, where nothing was asked of the name since.
    parts: dict[str, dict[int, str]] = field(default_factory=dict)  # MD5 by part number by unfinished upload.
    given_up: set[str] = field(default_factory=set)  # Unfinished uploads whose abort was acknowledged.
    unexpected: list[str] = field(default_factory=list)  # Answers that only a fault of the server explains.


class Load:
    """Load on one server and its proof. The same object goes through all rounds of kill and start."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ledger = Ledger()
        self._verified: set[str] = set()
        self._stop = threading.Event()
        self._runs = 0
        self.s3 = boto3_client(
            server,
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=20,
            max_pool_connections=2 * THREADS_A_FACE + 4,
        )
        self.s3.create_bucket(Bucket=BUCKET)
        self.bucket_id = NativeCaller(server).call("b2_list_buckets", accountId=server.account_id, bucketName=BUCKET)[
            "buckets"
        ][0]["bucketId"]

    @property
    def acknowledged(self) -> int:
        """Writes acknowledged: files, copies, hide markers, deletes, aborts."""
        ledger = self.ledger
        return len(ledger.written) + len(ledger.deleted) + len(ledger.hidden) + len(ledger.given_up)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Clients work within it, on and on, also while the server is away."""
        self._stop.clear()
        self._runs += 1
        threads = [
            threading.Thread(target=self._work, args=(face, f"{self._runs}-{number}"), name=f"{face.__name__}-{number}")
            for face in (S3Face, NativeFace)
            for number in range(THREADS_A_FACE)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(JOIN_TIMEOUT_S)
        assert not any(thread.is_alive() for thread in threads), "a client waits for an answer that does not come"

    def verify(self) -> None:
        """Reads everything that is visible and compares it with the ledger."""
        ledger, s3 = self.ledger, self.s3
        assert not ledger.unexpected, ledger.unexpected[:5]
        sizes: dict[str, tuple[str, int]] = {}
        markers: dict[str, tuple[str, bool]] = {}
        latest: set[str] = set()
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
            for row in page.get("Versions", []):
                sizes[row["VersionId"]] = (row["Key"], row["Size"])
                if row["IsLatest"]:
                    latest.add(row["Key"])
            for row in page.get("DeleteMarkers", []):
                markers[row["Key"]] = (row["VersionId"], row["IsLatest"])
        lost = ledger.written.keys() - ledger.doomed - sizes.keys()
        assert not lost, f"{len(lost)} acknowledged writes are lost: {sorted(lost)[:3]}"
        risen = ledger.deleted & sizes.keys()
        assert not risen, f"{len(risen)} deleted versions are back: {sorted(risen)[:3]}"
        for name, marker in ledger.hidden.items():
            assert markers.get(name) == (marker, True), f"{name} is not hidden by {marker} but {markers.get(name)}"
        names = {
            row["Key"]
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
            for row in page.get("Contents", [])
        }
        assert names == latest, "names and versions disagree"
        known = sorted(self._verified & sizes.keys())
        again = random.sample(known, min(REREAD, len(known)))
        with ThreadPoolExecutor(4) as readers:
            list(
                readers.map(
                    lambda file_id: self._check(s3, file_id, *sizes[file_id]),
                    [*(sizes.keys() - self._verified), *again],
                )
            )
        self._verified = set(sizes)
        self._check_unfinished(s3)

    def trim(self) -> None:
        """Deletes what is more than a few rounds need, which later verifications then look for. For between two runs."""
        ledger, s3 = self.ledger, self.s3
        old = sorted(self._verified - ledger.doomed)[KEPT:]
        if not old:
            return
        names = {
            row["VersionId"]: row["Key"]
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET)
            for row in page.get("Versions", [])
        }
        for start in range(0, len(old), 1000):
            some = old[start : start + 1000]
            ledger.doomed.update(some)
            rows = [{"Key": names[file_id], "VersionId": file_id} for file_id in some]
            done = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": rows})
            assert len(done["Deleted"]) == len(some), done.get("Errors")
            ledger.deleted.update(some)
        for upload, name in self._unfinished().items():
            s3.abort_multipart_upload(Bucket=BUCKET, Key=name, UploadId=upload)
            ledger.parts.pop(upload, None)
            ledger.given_up.add(upload)

    def _check(self, s3: Any, file_id: str, name: str, size: int) -> None:
        got = s3.get_object(Bucket=BUCKET, Key=name, VersionId=file_id)
        body = got["Body"].read()
        digest = hashlib.sha256(body).hexdigest()
        assert len(body) == size, f"{name} {file_id} has {len(body)} bytes, the list says {size}"
        assert got["Metadata"]["sha256"] == digest, f"{name} {file_id} is visible with other bytes"
        assert self.ledger.written.get(file_id, digest) == digest, f"{name} {file_id} is not what was acknowledged"

    def _unfinished(self) -> dict[str, str]:
        """The names of unfinished uploads by their ids."""
        pages = self.s3.get_paginator("list_multipart_uploads").paginate(Bucket=BUCKET)
        return {row["UploadId"]: row["Key"] for page in pages for row in page.get("Uploads", [])}

    def _check_unfinished(self, s3: Any) -> None:
        uploads = self._unfinished()
        back = self.ledger.given_up & uploads.keys()
        assert not back, f"{len(back)} uploads that were given up are back: {sorted(back)[:3]}"
        for upload, parts in self.ledger.parts.items():
            assert upload in uploads, f"the unfinished upload {upload} is lost"
            listed = s3.list_parts(Bucket=BUCKET, Key=uploads[upload], UploadId=upload).get("Parts", [])
            found = {row["PartNumber"]: row["ETag"].strip('"') for row in listed}
            assert parts.items() <= found.items(), f"parts of {upload} are lost"

    def _work(self, face: type[Face], label: str) -> None:
        client: Face | None = None
        rng = random.Random()
        while not self._stop.is_set():
            try:
                client = client or face(self, f"{face.__name__}-{label}", rng)
                rng.choices(client.actions, client.weights)[0]()
            except (HTTPClientError, NoConnectionError, urllib3.exceptions.HTTPError):
                self._stop.wait(0.05)  # The server is away, or went while it answered: nothing is known.
                client = None
            except (ClientError, NativeError) as error:
                self.ledger.unexpected.append(f"{face.__name__}: {error}")
            except Exception as error:
                self.ledger.unexpected.append(f"{face.__name__}: {error!r}")
                raise


class Face:
    """One client thread. The subclasses say how each thing is done through their face."""

    def __init__(self, load: Load, label: str, rng: random.Random) -> None:
        self.ledger = load.ledger
        self.rng = rng
        self.label = label + f"-{rng.randrange(1 << 32):08x}"
        self.count = 0
        self.mine: list[tuple[str, str]] = []  # Name and file id of what this thread wrote.
        self.actions: list[Callable[[], None]] = [
            self.small,
            self.medium,
            self.copy,
            self.delete,
            self.hide,
            self.large,
        ]
        self.weights = [50, 12, 15, 10, 8, 5]

    def small(self) -> None:
        """A file that lives in the catalog, or just not."""
        self._write(self.rng.choice(SMALL_BYTES))

    def medium(self) -> None:
        """A file of some megabytes, in a blob."""
        self._write(self.rng.choice(MEDIUM_BYTES))

    def copy(self) -> None:
        """A copy of a whole file under a new name, which shares its bytes."""
        if self.mine:
            name, file_id = self.rng.choice(self.mine)
            target = self._name()
            copied = self.copy_file(name, file_id, target)
            self.ledger.written[copied] = self.ledger.written[file_id]
            self.mine.append((target, copied))

    def delete(self) -> None:
        """Removes one version for good."""
        if self.mine:
            name, file_id = self.mine.pop(self.rng.randrange(len(self.mine)))
            self.ledger.doomed.add(file_id)
            self.ledger.hidden.pop(name, None)
            self.delete_file(name, file_id)
            self.ledger.deleted.add(file_id)

    def hide(self) -> None:
        """Hides a name of ours that is visible."""
        visible = [name for name, _ in self.mine if name not in self.ledger.hidden]
        if visible:
            name = self.rng.choice(visible)
            self.mine = [entry for entry in self.mine if entry[0] != name]
            self.ledger.hidden[name] = self.hide_file(name)

    def large(self) -> None:
        """A large file of two parts; now and then it stays unfinished."""
        name, body = self._name(), self._content(PART_BYTES + self.rng.randrange(1, 400_000))
        digest = hashlib.sha256(body).hexdigest()
        upload = self.start(name, digest)
        self.ledger.parts[upload] = {}
        parts = [body[:PART_BYTES], body[PART_BYTES:]]
        for number, part in enumerate(parts, 1):
            self.send_part(name, upload, number, part)
            self.ledger.parts[upload][number] = hashlib.md5(part).hexdigest()
        if self.rng.random() < 0.8:
            del self.ledger.parts[upload]
            finished = self.finish(name, upload, parts)
            self.ledger.written[finished] = digest
            self.mine.append((name, finished))

    def _write(self, size: int) -> None:
        again = [name for name, _ in self.mine if name not in self.ledger.hidden]
        name = self.rng.choice(again) if again and self.rng.random() < 0.2 else self._name()
        body = self._content(size)
        digest = hashlib.sha256(body).hexdigest()
        file_id = self.put_file(name, body, digest)
        self.ledger.written[file_id] = digest
        self.mine.append((name, file_id))

    def _name(self) -> str:
        self.count += 1
        return f"{self.label}/{self.count:05d}"

    def _content(self, size: int) -> bytes:
        start = self.rng.randrange(len(POOL) - size)
        return POOL[start : start + size]

    def put_file(self, name: str, body: bytes, digest: str) -> str:
        """Uploads a file in one piece and gives back its id."""
        raise NotImplementedError

    def copy_file(self, name: str, file_id: str, target: str) -> str:
        """Copies a version and gives back the id of the copy."""
        raise NotImplementedError

    def delete_file(self, name: str, file_id: str) -> None:
        """Removes a version."""
        raise NotImplementedError

    def hide_file(self, name: str) -> str:
        """Hides a name and gives back the id of the marker."""
        raise NotImplementedError

    def start(self, name: str, digest: str) -> str:
        """Starts a large file and gives back its id."""
        raise NotImplementedError

    def send_part(self, name: str, upload: str, number: int, part: bytes) -> None:
        """Uploads a part."""
        raise NotImplementedError

    def finish(self, name: str, upload: str, parts: list[bytes]) -> str:
        """Finishes a large file and gives back its file id."""
        raise NotImplementedError


class S3Face(Face):
    """A client thread of the S3 face."""

    def __init__(self, load: Load, label: str, rng: random.Random) -> None:
        super().__init__(load, label, rng)
        self.s3 = load.s3

    def put_file(self, name: str, body: bytes, digest: str) -> str:
        return str(self.s3.put_object(Bucket=BUCKET, Key=name, Body=body, Metadata={"sha256": digest})["VersionId"])

    def copy_file(self, name: str, file_id: str, target: str) -> str:
        source = {"Bucket": BUCKET, "Key": name, "VersionId": file_id}
        return str(self.s3.copy_object(Bucket=BUCKET, Key=target, CopySource=source)["VersionId"])

    def delete_file(self, name: str, file_id: str) -> None:
        self.s3.delete_object(Bucket=BUCKET, Key=name, VersionId=file_id)

    def hide_file(self, name: str) -> str:
        return str(self.s3.delete_object(Bucket=BUCKET, Key=name)["VersionId"])

    def start(self, name: str, digest: str) -> str:
        return str(self.s3.create_multipart_upload(Bucket=BUCKET, Key=name, Metadata={"sha256": digest})["UploadId"])

    def send_part(self, name: str, upload: str, number: int, part: bytes) -> None:
        self.s3.upload_part(Bucket=BUCKET, Key=name, UploadId=upload, PartNumber=number, Body=part)

    def finish(self, name: str, upload: str, parts: list[bytes]) -> str:
        rows = [{"PartNumber": number, "ETag": hashlib.md5(part).hexdigest()} for number, part in enumerate(parts, 1)]
        done = self.s3.complete_multipart_upload(
            Bucket=BUCKET, Key=name, UploadId=upload, MultipartUpload={"Parts": rows}
        )
        return str(done["VersionId"])


class NativeFace(Face):
    """A client thread of the native face."""

    def __init__(self, load: Load, label: str, rng: random.Random) -> None:
        super().__init__(load, label, rng)
        self.bucket_id = load.bucket_id
        self.native = NativeCaller(load.server)

    def put_file(self, name: str, body: bytes, digest: str) -> str:
        return str(self.native.upload(self.bucket_id, name, body, {"sha256": digest})["fileId"])

    def copy_file(self, name: str, file_id: str, target: str) -> str:
        return str(self.native.call("b2_copy_file", sourceFileId=file_id, fileName=target)["fileId"])

    def delete_file(self, name: str, file_id: str) -> None:
        self.native.call("b2_delete_file_version", fileName=name, fileId=file_id)

    def hide_file(self, name: str) -> str:
        return str(self.native.call("b2_hide_file", bucketId=self.bucket_id, fileName=name)["fileId"])

    def start(self, name: str, digest: str) -> str:
        started = self.native.call(
            "b2_start_large_file",
            bucketId=self.bucket_id,
            fileName=name,
            contentType="application/octet-stream",
            fileInfo={"sha256": digest},
        )
        return str(started["fileId"])

    def send_part(self, name: str, upload: str, number: int, part: bytes) -> None:
        self.native.upload_part(upload, number, part)

    def finish(self, name: str, upload: str, parts: list[bytes]) -> str:
        digests = [hashlib.sha1(part).hexdigest() for part in parts]
        return str(self.native.call("b2_finish_large_file", fileId=upload, partSha1Array=digests)["fileId"])
