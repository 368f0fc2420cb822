"""B2's rules as a plain program in memory, written from the protocols' documents and not from Undercroft's code.

It knows nothing of how things are stored, and takes the most obvious way to every answer. What only the system can choose
(ids, secrets, the time at which it took a request) it is told (`Ask`), and it checks what the rules say of such a choice. Where
two reasons to refuse hold at once and the documents do not rank them, a refusal names both and either is right.

Where the two protocols rule differently, an operation is told the dialect. Answers are dictionaries in the words of the
B2 Native API; those of a version also have what S3 says of it.

It is long because it is one thing: whoever asks what the rules are finds all of them here.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from model.rows import bucket_row, key_row, part_row, rows_of, version_row
from model.things import LAST, PART_MIN_BYTES, Ask, Bucket, Key, New, Part, Place, Range, Refused, Row, Version

HIDE_MARKER_TYPE = "application/x-bz-hide-marker"
# What a key that is restricted to buckets cannot have.
ACCOUNT_CAPABILITIES = frozenset({"listKeys", "writeKeys", "deleteKeys", "writeBuckets", "deleteBuckets"})


class Reference:
    """The accounts of a service and all that is in them. Every operation is asked for by the id of a key, or by nobody."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.buckets: dict[str, Bucket] = {}
        self.versions: dict[str, Version] = {}
        self.graves: dict[str, Version] = {}  # Those that are deleted.
        self.caps: dict[str, int] = {}  # How many bytes an account may hold, where that is limited.
        self.default_sse: str | None = None  # Of files in buckets that were never told.
        self._sequence = itertools.count(1)

    def do(self, ask: Ask, operation: str, **arguments: Any) -> Any:
        """One operation, a method of this class: its answer, or `Refused`. Who shows a dead key gets no further."""
        self._key(ask)
        return getattr(self, operation)(ask, **arguments)

    # -- Who may do what ------------------------------------------------------------------------------------------------
    def add_account(self, account: str, key_id: str, capabilities: Iterable[str]) -> None:
        """An account that is there from the start, with a key."""
        self.keys[key_id] = Key(key_id, account, frozenset(capabilities))

    def _key(self, ask: Ask) -> Key | None:
        """The key that asks, None for nobody. Refused where it is deleted or has expired."""
        key = self.keys.get(ask.actor or "")
        if ask.actor is not None and (key is None or (key.expires_ms is not None and key.expires_ms <= ask.before_ms)):
            raise Refused("bad key")
        return key

    def _may(self, ask: Ask, capability: str, bucket: Bucket | None = None, name: str | None = None) -> bool:
        key = self._key(ask)
        if key is None or capability not in key.capabilities:
            return False
        if bucket is not None and (bucket.account != key.account or bucket.id not in (key.bucket_ids or (bucket.id,))):
            return False
        return name is None or name.startswith(key.prefix or "")

    def _allow(self, ask: Ask, capability: str, bucket: Bucket | None = None, name: str | None = None) -> None:
        if not self._may(ask, capability, bucket, name):
            raise Refused("unauthorized")

    def _account(self, ask: Ask, capability: str) -> str:
        """The account of the key, which must have a capability."""
        self._allow(ask, capability)
        return self.keys[ask.actor or ""].account

    # -- Keys -----------------------------------------------------------------------------------------------------------
    def create_key(
        self,
        ask: Ask,
        capabilities: Sequence[str],
        bucket_ids: Sequence[str] | None,
        prefix: str | None,
        valid_s: int | None,
    ) -> dict[str, Any]:
        """Make a key; it may be able to do more than the one that makes it."""
        account = self._account(ask, "writeKeys")
        reasons = set()
        if not capabilities or (bucket_ids is not None and ACCOUNT_CAPABILITIES & set(capabilities)):
            reasons.add("bad capabilities")
        if any(i not in self.buckets or self.buckets[i].account != account for i in bucket_ids or ()):
            reasons.add("no bucket")
        if reasons:
            raise Refused(*reasons)
        assert (valid_s is None) == (ask.time_ms is None)
        if valid_s is not None and ask.time_ms is not None:
            assert ask.before_ms <= ask.time_ms - valid_s * 1000 <= ask.after_ms, "expires too early or too late"
        assert ask.id not in self.keys
        restricted = None if bucket_ids is None else tuple(bucket_ids)
        self.keys[ask.id] = Key(ask.id, account, frozenset(capabilities), restricted, prefix or None, ask.time_ms)
        return key_row(self.keys[ask.id])

    def delete_key(self, ask: Ask, key_id: str) -> dict[str, Any]:
        """Delete a key, perhaps the one that asks."""
        account = self._account(ask, "deleteKeys")
        key = self.keys.get(key_id)
        if key is None or key.account != account:
            raise Refused("no key")
        return key_row(self.keys.pop(key_id))

    def list_keys(self, ask: Ask) -> list[dict[str, Any]]:
        """The keys of the account that have not expired, by id."""
        account = self._account(ask, "listKeys")
        alive = [k for k in self.keys.values() if k.expires_ms is None or k.expires_ms > ask.before_ms]
        return [key_row(key) for key in sorted(alive, key=lambda key: key.id) if key.account == account]

    # -- Caps -----------------------------------------------------------------------------------------------------------
    def cap_storage(self, ask: Ask, size: int | None) -> dict[str, Any]:
        """Set how many bytes the account of this key may hold."""
        account = self.keys[ask.actor or ""].account
        self.caps.pop(account, None)
        if size is not None:
            self.caps[account] = size
        return {}

    def held(self, account: str) -> int:
        """How many bytes the account holds: all versions, and the parts of what is not finished."""
        held = 0
        for version in self.versions.values():
            if self.buckets[version.bucket_id].account == account:
                held += len(version.body)
                if version.action == "start":
                    held += sum(len(part.body) for part in version.parts.values())
        return held

    def _has_room(self, bucket: Bucket, size: int) -> bool:
        cap = self.caps.get(bucket.account)
        return cap is None or self.held(bucket.account) + size <= cap

    def _make_room(self, bucket: Bucket, size: int) -> None:
        if not self._has_room(bucket, size):
            raise Refused("storage cap")

    # -- Buckets --------------------------------------------------------------------------------------------------------
    def create_bucket(self, ask: Ask, name: str, *, public: bool, info: dict[str, str]) -> dict[str, Any]:
        """Make a bucket under a name that nobody has, in whatever case of letters."""
        account = self._account(ask, "writeBuckets")
        for bucket in self.buckets.values():
            if bucket.name.lower() == name.lower():
                raise Refused("own bucket name" if bucket.account == account else "bucket name of another")
        assert ask.id not in self.buckets
        self.buckets[ask.id] = Bucket(ask.id, account, name, public, info)
        return bucket_row(self.buckets[ask.id])

    def update_bucket(
        self, ask: Ask, bucket_id: str, *, public: bool | None, info: dict[str, str] | None, if_revision_is: int | None
    ) -> dict[str, Any]:
        """Replace what is given, and count the revision up."""
        bucket = self._bucket(bucket_id)
        self._allow(ask, "writeBuckets", bucket)
        if if_revision_is not in {None, bucket.revision}:
            raise Refused("conflict")
        bucket.public = bucket.public if public is None else public
        bucket.info = bucket.info if info is None else info
        bucket.revision += 1
        return bucket_row(bucket)

    def delete_bucket(self, ask: Ask, bucket_id: str) -> dict[str, Any]:
        """Delete a bucket without versions, hide markers and unfinished large files."""
        bucket = self._bucket(bucket_id)
        self._allow(ask, "deleteBuckets", bucket)
        if self.versions_in(bucket_id):
            raise Refused("not empty")
        return bucket_row(self.buckets.pop(bucket_id))

    def list_buckets(self, ask: Ask, bucket_id: str | None) -> list[dict[str, Any]]:
        """The account's buckets by name, or the one of this id. What a restricted key sees, the dialects rule apart."""
        account = self._account(ask, "listBuckets")
        key = self.keys[ask.actor or ""]
        if key.bucket_ids is not None:
            if ask.s3:
                self._allow(ask, "listAllBucketNames")
            elif bucket_id not in key.bucket_ids:
                raise Refused("unauthorized")
        own = [b for b in self.buckets.values() if b.account == account and bucket_id in {None, b.id}]
        return [bucket_row(bucket) for bucket in sorted(own, key=lambda bucket: bucket.name)]

    def _bucket(self, bucket_id: str) -> Bucket:
        if bucket_id not in self.buckets:
            raise Refused("no bucket")
        return self.buckets[bucket_id]

    # -- Files in one piece ---------------------------------------------------------------------------------------------
    def upload(self, ask: Ask, bucket_id: str, name: str, new: New, body: bytes) -> dict[str, Any]:
        """A new version, the newest of its name unless it brings its own time."""
        bucket = self._bucket(bucket_id)
        self._allow(ask, "writeFiles", bucket, name)
        reasons = set() if self._has_room(bucket, len(body)) else {"storage cap"}
        if new.only_new and self.visible(bucket_id, name) is not None:
            reasons.add("exists")
        if reasons:
            raise Refused(*reasons)
        sha1 = ("" if new.verified else "unverified:") + _sha1(body)
        digests = (sha1, _md5(body))
        answer = self._add(ask, bucket_id, name, "upload", new, body, digests, self._mode(new, bucket))
        return self._tell("b2:ObjectCreated:Upload", self.versions[ask.id], answer)

    def hide(self, ask: Ask, bucket_id: str, name: str) -> dict[str, Any]:
        """A hide marker on top. The native dialect wants something to hide."""
        bucket = self._bucket(bucket_id)
        self._allow(ask, "writeFiles", bucket, name)
        if not ask.s3:
            newest = self._newest(bucket_id, name)
            if newest is None:
                raise Refused("nothing to hide")
            if newest.action == "hide":
                raise Refused("already hidden")
        answer = self._add(ask, bucket_id, name, "hide", New(HIDE_MARKER_TYPE, {}), b"", (_sha1(b""), _md5(b"")))
        return self._tell("b2:HideMarkerCreated:Hide", self.versions[ask.id], answer)

    def copy(
        self,
        ask: Ask,
        source_id: str,
        bucket_id: str,
        name: str,
        asked: Range | None,
        replaced: New | None,
        customer: str | None,
    ) -> dict[str, Any]:
        """A new version of a file's bytes or a range of them, with its type and info unless they are `replaced`.

        `customer` is whose key the source is opened with.
        """
        reasons: set[str] = set()
        bucket = self.buckets.get(bucket_id)
        if bucket is None:
            reasons.add("no bucket")
        elif not self._may(ask, "writeFiles", bucket, name):
            reasons.add("unauthorized")
        source = self._source(ask, source_id, bucket, reasons)
        body = self._opened(source, asked, customer)
        self._make_room(self.buckets[bucket_id], len(body))
        # The digests of a whole copy are the source's: copying 5 GB in an instant leaves no time to read them.
        whole = len(body) == len(source.body)
        digests = (source.sha1, source.etag) if whole else (_sha1(body), _md5(body))
        new = replaced or New(source.content_type, source.info)
        assert bucket is not None
        made = self._add(ask, bucket_id, name, "upload", new, body, digests, self._mode(new, bucket))
        return self._tell("b2:ObjectCreated:Copy", self.versions[ask.id], {**made, "action": "copy"})

    def _mode(self, new: New, bucket: Bucket) -> str | None:
        """How a new file is encrypted: as it asks, else as its bucket says, else as the service does."""
        return new.sse or bucket.sse or self.default_sse

    def _check_key(self, version: Version, customer: str | None) -> None:
        """Refused unless this is the key that opens the version, or none where none is needed."""
        if version.customer is None and customer is not None:
            raise Refused("needless key")
        if version.customer is not None and customer != version.customer:
            raise Refused("missing key" if customer is None else "wrong key")

    def _opened(self, source: Version, asked: Range | None, customer: str | None) -> bytes:
        """The bytes of a source, or of a range of it. Nothing is said of which of two reasons comes first."""
        reasons: set[str] = set()
        body = source.body
        try:
            body = body if asked is None else asked.of(body)
        except Refused as refused:
            reasons |= refused.reasons
        try:
            self._check_key(source, customer)
        except Refused as refused:
            reasons |= refused.reasons
        if reasons:
            raise Refused(*reasons)
        return body

    def _source(self, ask: Ask, source_id: str, target: Bucket | None, reasons: set[str]) -> Version:
        """The version to copy from; refused with the reasons there are already, or for its own."""
        source = self.versions.get(source_id)
        if source is None:
            grave = self.graves[source_id]
            bucket = self.buckets.get(grave.bucket_id)
            name = grave.name if ask.s3 else None
            missing = "no source bucket" if bucket is None and ask.s3 else "no source"
            readable = bucket is not None and (bucket.public or self._may(ask, "readFiles", bucket, name))
            raise Refused(*reasons, missing if bucket is None or readable else "unauthorized")
        bucket = self.buckets[source.bucket_id]
        if not bucket.public and not self._may(ask, "readFiles", bucket, source.name):
            reasons.add("unauthorized")
        if source.action != "upload":
            reasons.add("hidden source" if source.action == "hide" else "unfinished source")
        if target is not None and bucket.account != target.account:
            reasons.add("unauthorized")  # Copies stay within an account.
        if reasons:
            raise Refused(*reasons)
        return source

    def delete_version(self, ask: Ask, version_id: str, name: str, bypass: bool = False) -> dict[str, Any]:
        """Remove one version for good, unless it is locked. To S3, one that is not there is deleted already."""
        bucket = self.buckets.get(self._home(version_id))
        if ask.s3 and bucket is None:
            raise Refused("no bucket")
        reasons = set() if bucket is not None else {"no version to delete"}
        if not self._may(ask, "deleteFiles", bucket, name) or (
            bypass and not self._may(ask, "bypassGovernance", bucket)
        ):
            reasons.add("unauthorized")
        if reasons:
            raise Refused(*reasons)
        version = self.versions.get(version_id)
        if version is not None and version.name == name:
            if version.action == "upload" and (version.held or (version.retained_until_ms and not bypass)):
                raise Refused("locked")
            self.graves[version_id] = self.versions.pop(version_id)
            answer = {**version_row(version), "was_marker": version.action == "hide"}
            return answer if version.action == "start" else self._tell("b2:ObjectDeleted:Delete", version, answer)
        if ask.s3:
            return {"was_marker": False}
        raise Refused("no version to delete")

    # -- Locks (native) -------------------------------------------------------------------------------------------------
    def lock_bucket(self, ask: Ask, bucket_id: str) -> dict[str, Any]:
        """Turn Object Lock on, once and for ever."""
        bucket = self._bucket(bucket_id)
        self._allow(ask, "writeBuckets", bucket)
        self._allow(ask, "writeBucketRetentions", bucket)
        bucket.locks = True
        bucket.revision += 1
        return bucket_row(bucket)

    def encrypt_bucket(self, ask: Ask, bucket_id: str, on: bool) -> dict[str, Any]:
        """Encrypt new files under the service's key, or leave that to the service."""
        bucket = self._bucket(bucket_id)
        self._allow(ask, "writeBuckets", bucket)
        self._allow(ask, "writeBucketEncryption", bucket)
        bucket.sse = "SSE-B2" if on else None
        bucket.revision += 1
        return {**bucket_row(bucket), "sse": bucket.sse or self.default_sse}

    def retain(self, ask: Ask, version_id: str, until_ms: int | None, bypass: bool) -> dict[str, Any]:
        """Set, extend or, with None, end governance; what shortens it needs the bypass and the right to it."""
        version = self._lockable(ask, version_id, "writeFileRetentions", *(["bypassGovernance"] if bypass else []))
        before = version.retained_until_ms
        if before is not None and not bypass and (until_ms is None or until_ms < before):
            raise Refused("retained")
        version.retained_until_ms = until_ms
        return version_row(version)

    def hold(self, ask: Ask, version_id: str, on: bool) -> dict[str, Any]:
        """Put a legal hold on, or take it off."""
        version = self._lockable(ask, version_id, "writeFileLegalHolds")
        version.held = on
        return version_row(version)

    def _lockable(self, ask: Ask, version_id: str, *capabilities: str) -> Version:
        """A version whose lock may be changed; the right to that is asked for before anything else."""
        version = self.versions.get(version_id)
        bucket = self.buckets.get(self._home(version_id))
        if bucket is None:
            raise Refused("no version to delete", "lock forbidden")
        name = (version or self.graves[version_id]).name
        if not all(self._may(ask, capability, bucket, name) for capability in capabilities):
            raise Refused("lock forbidden")
        if not bucket.locks:
            raise Refused("no lock")
        if version is None:
            raise Refused("no version to delete")
        if version.action == "hide":
            raise Refused("marker lock")
        return version

    # -- Event notifications (native) -----------------------------------------------------------------------------------
    def listen(self, ask: Ask, bucket_id: str, prefix: str, types: Sequence[str]) -> dict[str, Any]:
        """Give a bucket its one rule. Without types it has none, and what it was not told of yet is forgotten."""
        bucket = self._bucket(bucket_id)
        self._allow(ask, "writeBucketNotifications", bucket)
        bucket.listens = (prefix, frozenset(types)) if types else None
        if not types:
            bucket.told.clear()
        return {}

    def told(self, ask: Ask, bucket_id: str) -> list[dict[str, Any]]:
        """The events of a bucket since the last time, each once, in the order in which they happened."""
        bucket = self._bucket(bucket_id)
        told, bucket.told = bucket.told, []
        return told

    def _tell(self, event_type: str, version: Version, answer: dict[str, Any]) -> dict[str, Any]:
        """Something happened to a finished version. Returns the answer."""
        bucket = self.buckets[version.bucket_id]
        prefix, types = bucket.listens or ("", frozenset())
        if version.name.startswith(prefix) and types & {event_type, event_type.rpartition(":")[0] + ":*"}:
            size = len(version.body) if event_type.startswith("b2:ObjectCreated:") else None
            bucket.told.append({"name": version.name, "type": event_type, "size": size, "id": version.id})
        return answer

    # -- Large files ----------------------------------------------------------------------------------------------------
    def start(self, ask: Ask, bucket_id: str, name: str, new: New) -> dict[str, Any]:
        """Begin a large file, which hides nothing and is no file yet. Its time is that of an upload."""
        bucket = self._bucket(bucket_id)
        self._allow(ask, "writeFiles", bucket, name)
        self._make_room(bucket, 0)
        return self._add(ask, bucket_id, name, "start", new, b"", ("none", ""), self._mode(new, bucket))

    def upload_part(self, ask: Ask, large_id: str, number: int, body: bytes, customer: str | None) -> dict[str, Any]:
        """Set a part, in place of one that has the number already; with the key that the file was started with."""
        large = self._large(ask, large_id)
        if large.customer != customer:
            raise Refused("part key", *([] if self._has_part_room(large, number, body) else ["storage cap"]))
        return self._put_part(large, number, body)

    def copy_part(
        self,
        ask: Ask,
        large_id: str,
        number: int,
        source_id: str,
        asked: Range | None,
        customer: str | None,
        own: str | None,
    ) -> dict[str, Any]:
        """Set a part to the bytes of a file or a range of them, which to S3 must lie within the file.

        `customer` is whose key the source is opened with, `own` that of the large file.
        """
        reasons: set[str] = set()
        try:
            self._large(ask, large_id)
        except Refused as refused:
            reasons |= refused.reasons
        found = self.versions.get(large_id)
        other_key = {"part key"} if found is not None and found.customer != own else set()
        try:
            source = self._source(ask, source_id, self.buckets.get(self._home(large_id)), reasons)
        except Refused as refused:
            raise Refused(*refused.reasons, *other_key) from None
        large = self.versions[large_id]
        if ask.s3 and asked is not None and (asked.last is None or asked.last >= len(source.body)):
            raise Refused("bad part range")
        reasons |= other_key
        try:
            body = self._opened(source, asked, customer)
        except Refused as refused:
            raise Refused(*reasons, *refused.reasons) from None
        if reasons:
            raise Refused(*reasons)
        return self._put_part(large, number, body)

    def _put_part(self, large: Version, number: int, body: bytes) -> dict[str, Any]:
        if not self._has_part_room(large, number, body):
            raise Refused("storage cap")
        large.parts[number] = Part(number, body, _sha1(body), _md5(body))
        return part_row(large.parts[number], large)

    def _has_part_room(self, large: Version, number: int, body: bytes) -> bool:
        replaced = large.parts.get(number)
        return self._has_room(self.buckets[large.bucket_id], len(body) - len(replaced.body if replaced else b""))

    def list_parts(self, ask: Ask, large_id: str) -> list[dict[str, Any]]:
        """The parts that have arrived, by number."""
        large = self._large(ask, large_id, "listFiles" if ask.s3 else "writeFiles")
        return [part_row(part, large) for _, part in sorted(large.parts.items())]

    def finish(self, ask: Ask, large_id: str, listed: Sequence[tuple[int, str]]) -> dict[str, Any]:
        """Make one file of the parts listed, by number and digest; the others are dropped.

        The native dialect takes SHA-1s of parts 1, 2, … and puts the file where it was started; S3 takes MD5s, allows gaps
        and one part, and makes the file the newest of its name. Repeating what succeeded, S3 says so again.
        """
        numbers = [number for number, _ in listed]
        reasons: set[str] = set()
        if not ask.s3 and len(listed) < 2:
            reasons.add("too few parts")
        if ask.s3 and any(second <= first for first, second in itertools.pairwise(numbers)):
            reasons.add("part order")
        try:
            large = self._large(ask, large_id)
        except Refused as refused:
            done = self.versions.get(large_id)
            etag = joined_etag([digest for _, digest in listed])
            if ask.s3 and refused.reasons == {"no upload"} and done is not None and done.etag == etag:
                return version_row(done)
            raise Refused(*reasons, *refused.reasons) from None
        for number, digest in listed:
            part = large.parts.get(number)
            if part is None:
                reasons.add("missing part")
            elif digest != (part.md5 if ask.s3 else part.sha1):
                reasons.add("part mismatch")
            elif number != numbers[-1] and len(part.body) < PART_MIN_BYTES:
                reasons.add("part too small")
        if reasons:
            raise Refused(*reasons)
        if ask.s3:
            self._check_time(ask, self._newest(large.bucket_id, large.name))
            large.time_ms = ask.time_ms or 0
        else:
            assert ask.time_ms == large.started_ms, "a finished file keeps the time of its start"
        large.parts = {number: large.parts[number] for number in numbers}
        large.body = b"".join(part.body for part in large.parts.values())
        large.etag = joined_etag([part.md5 for part in large.parts.values()])
        large.action = "upload"
        large.sequence = next(self._sequence)
        return self._tell("b2:ObjectCreated:MultipartUpload", large, version_row(large))

    def cancel(self, ask: Ask, large_id: str) -> dict[str, Any]:
        """Drop an unfinished large file."""
        large = self._large(ask, large_id)
        self.graves[large_id] = self.versions.pop(large_id)
        return version_row(large)

    def _large(self, ask: Ask, large_id: str, capability: str = "writeFiles") -> Version:
        """The unfinished large file of this id."""
        version = self._version(ask, large_id, "no upload", capability)
        if version.action != "start":
            raise Refused("no upload")
        return version

    # -- Reading --------------------------------------------------------------------------------------------------------
    def read_name(
        self, ask: Ask, bucket_id: str, name: str, asked: Range | None, customer: str | None
    ) -> dict[str, Any]:
        """The newest version of a name, if it is an upload. Of a public bucket, anybody may have it."""
        bucket = self._bucket(bucket_id)
        if not bucket.public:
            self._allow(ask, "readFiles", bucket, name)
        version = self.visible(bucket_id, name)
        if version is None:
            raise Refused("no file")
        self._check_key(version, customer)
        return {**version_row(version), "body": version.body if asked is None else asked.of(version.body)}

    def read_id(self, ask: Ask, version_id: str, asked: Range | None, customer: str | None) -> dict[str, Any]:
        """An upload by its id, also an old or hidden one."""
        version = self._version(ask, version_id, "no version", "readFiles", public=True)
        if version.action != "upload":
            raise Refused("hide marker" if version.action == "hide" else "not finished")
        self._check_key(version, customer)
        return {**version_row(version), "body": version.body if asked is None else asked.of(version.body)}

    def file_info(self, ask: Ask, version_id: str) -> dict[str, Any]:
        """What is known of any version (native)."""
        return version_row(self._version(ask, version_id, "no version", "readFiles"))

    def _version(self, ask: Ask, version_id: str, missing: str, capability: str, *, public: bool = False) -> Version:
        """A version by its id; `missing` is the reason where it is gone. S3 names bucket and key beside the id."""
        bucket = self.buckets.get(self._home(version_id))
        version = self.versions.get(version_id)
        if bucket is None:
            if ask.s3:
                raise Refused("no bucket")
            raise Refused(missing, *([] if self._may(ask, capability) else ["unauthorized"]))
        name = self.graves[version_id].name if version is None and ask.s3 else version and version.name
        if not (public and bucket.public):
            self._allow(ask, capability, bucket, name)
        if version is None:
            raise Refused(missing)
        return version

    # -- Lists ----------------------------------------------------------------------------------------------------------
    def list_names(self, ask: Ask, bucket_id: str, prefix: str, delimiter: str, after: Place | None) -> list[Row]:
        """Visible files by name, behind a place; names with the delimiter behind the prefix fold into folders."""
        self._allow(ask, "listFiles", self._bucket(bucket_id), prefix)
        names = {version.name for version in self.versions_in(bucket_id)}
        visible = filter(None, (self.visible(bucket_id, name) for name in sorted(names, key=str.encode)))
        rows = rows_of(visible, prefix, delimiter, after)
        return [row._replace(place=Place(row.place.name, LAST, LAST)) for row in rows]

    def list_versions(self, ask: Ask, bucket_id: str, prefix: str, delimiter: str, after: Place | None) -> list[Row]:
        """All versions by name and then newest first, behind a place. S3 does not count unfinished ones among them."""
        self._allow(ask, "listFiles", self._bucket(bucket_id), prefix)
        shown = [v for v in self.versions_in(bucket_id) if not ask.s3 or v.action != "start"]
        rows = rows_of(shown, prefix, delimiter, after)
        for row in rows:
            if row.version is not None:
                row.answer["latest"] = row.version is self._newest(bucket_id, row.version.name)
        return rows

    def list_unfinished(self, ask: Ask, bucket_id: str, prefix: str) -> list[dict[str, Any]]:
        """Unfinished large files: to the native API the oldest first, to S3 by name and then the oldest first.

        Of those begun in the same millisecond, the documents do not say which is older; here the lesser id is.
        """
        self._allow(ask, "listFiles", self._bucket(bucket_id), prefix)
        found = [v for v in self.versions_in(bucket_id) if v.action == "start" and v.name.startswith(prefix)]
        found.sort(key=lambda v: (v.name.encode() if ask.s3 else b"", v.started_ms, v.id))
        return [version_row(version) for version in found]

    def versions_in(self, bucket_id: str) -> list[Version]:
        """All versions of a bucket in the order of lists."""
        return sorted((v for v in self.versions.values() if v.bucket_id == bucket_id), key=lambda v: v.place)

    # -- What the operations share --------------------------------------------------------------------------------------
    def _home(self, version_id: str) -> str:
        """The id of the bucket that a version is or was in."""
        return (self.versions.get(version_id) or self.graves[version_id]).bucket_id

    def _newest(self, bucket_id: str, name: str) -> Version | None:
        """The newest finished version of a name."""
        return next((v for v in self.versions_in(bucket_id) if v.name == name and v.action != "start"), None)

    def visible(self, bucket_id: str, name: str) -> Version | None:
        """The visible file of a name."""
        newest = self._newest(bucket_id, name)
        return newest if newest is not None and newest.action == "upload" else None

    def _add(
        self,
        ask: Ask,
        bucket_id: str,
        name: str,
        action: str,
        new: New,
        body: bytes,
        digests: tuple[str, str],
        sse: str | None = None,
    ) -> dict[str, Any]:
        assert ask.id not in self.versions, "a file id is used twice"
        assert ask.id not in self.graves, "the file id of a deleted version is used again"
        if new.custom_ms is None:
            self._check_time(ask, self._newest(bucket_id, name))
        else:
            assert ask.time_ms == new.custom_ms, "the time that an upload brings is its own"
        order = (ask.time_ms or 0, next(self._sequence), ask.time_ms or 0)
        version = Version(ask.id, bucket_id, name, action, new.content_type, new.info, body, *digests, *order, sse=sse)
        self.versions[ask.id] = version
        return version_row(version)

    def _check_time(self, ask: Ask, newest: Version | None) -> None:
        """An ordinary upload is of now, but never older than the newest version of its name."""
        floor = 0 if newest is None else newest.time_ms
        assert ask.time_ms is not None
        assert max(ask.before_ms, floor) <= ask.time_ms <= max(ask.after_ms, floor), (ask, floor)


def joined_etag(md5s: Sequence[str]) -> str:
    """The ETag of a file put together from parts."""
    return f"{hashlib.md5(b''.join(map(bytes.fromhex, md5s))).hexdigest()}-{len(md5s)}"


def _md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


def _sha1(body: bytes) -> str:
    return hashlib.sha1(body).hexdigest()
