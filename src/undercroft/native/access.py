"""What native requests look like in access logs: which bucket they concern, which file, and how large it is."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import msgspec

from undercroft.http.access import seen, size_served
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.http.upload_calls import UPLOAD_FILE, UPLOAD_PART
from undercroft.native.api_versions import VERSIONS
from undercroft.native.bodies import Body
from undercroft.native.encoding import decode
from undercroft.native.errors import DOWNLOAD_BY_ID, DOWNLOAD_BY_NAME, BadRequest
from undercroft.native.paths import API_PREFIX, FILE_PREFIX
from undercroft.native.transactions import subject_of
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.ids import parse_file_id
from undercroft.store.work.access_log_lines import Access

_DOWNLOADS = frozenset({DOWNLOAD_BY_ID, DOWNLOAD_BY_NAME})
_UPLOADS = frozenset({UPLOAD_FILE, UPLOAD_PART})
_SOURCE = "source_file_id"  # The member of bodies that names what a copy reads.
# A key is nothing that happens to a bucket, though it may be for one.
_OF_ACCOUNT = frozenset({"b2_create_key"})


class _Told(msgspec.Struct, rename="camel"):
    """What an answer in JSON may say of a file."""

    file_id: str = ""
    file_name: str = ""
    content_length: int | None = None


_told_decoder = msgspec.json.Decoder(_Told)


class Subject(NamedTuple):
    """What a request is about, as far as it says so itself."""

    bucket_name: str = ""
    bucket_id: str = ""
    name: str = ""
    file_id: str = ""


class AccessNotes:
    """Has requests logged, once they are finished, for the buckets that they concern."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._logs = store.access_logs
        self._settings = settings

    def is_needless(self, request: Request) -> bool:
        """Whether this is a download by name or an upload, of a bucket that surely does not log: most are, and pay little for it."""
        path = request.raw_path
        if not path.startswith(FILE_PREFIX):
            if request.operation != UPLOAD_FILE:
                return False
            return self._logs.is_quiet_id(path[len(API_PREFIX) :].split(b"/", 3)[2].decode("latin-1"))
        return self._logs.is_quiet(path[len(FILE_PREFIX) :].partition(b"/")[0].decode("latin-1"))

    async def note(self, request: Request, response: Response) -> None:
        """See to it that the request is logged where its bucket logs, and where the one that it copies from does."""
        subject = subject_of_request(request)
        accesses = []
        bucket = await self._logs.logging_bucket(name=subject.bucket_name, bucket_id=subject.bucket_id)
        if bucket is not None:
            accesses.append((bucket, self._access(request, subject, response)))
        source = _of_file(getattr(request.document, _SOURCE, ""))
        if source.bucket_id:
            read = await self._logs.logging_bucket(bucket_id=source.bucket_id)
            if read is not None:
                accesses.append((read, self._access(request, source, response, copies_from=True)))
        if accesses:
            request.when_finished = self._logs.when_finished(accesses)

    def _access(self, request: Request, subject: Subject, response: Response, *, copies_from: bool = False) -> Access:
        told = _Told()
        if not copies_from:
            told = _told(request, response)
        return Access(
            **seen(request, self._settings)._asdict(),
            operation=f"REST.{request.operation.upper()}{'_GET' if copies_from else ''}",
            status=response.status,
            began_ms=0,
            key_id="" if request.principal is None else request.principal.key_id or "",
            name=subject.name or told.file_name,
            error_code=response.error_code,
            object_size=told.content_length,
            version_id=subject.file_id or told.file_id,
            authentication=_authentication(request),
        )


def subject_of_request(request: Request) -> Subject:
    """What the request is about: by its path, else by its body, else by its query."""
    path = request.raw_path
    if path.startswith(FILE_PREFIX):
        bucket, _, name = path[len(FILE_PREFIX) :].partition(b"/")
        return Subject(bucket_name=_text(bucket), name=_text(name))
    version, _, rest = path[len(API_PREFIX) :].partition(b"/")
    if version not in VERSIONS or request.operation in _OF_ACCOUNT:
        return Subject()
    if request.operation in _UPLOADS:
        subject_id = rest.split(b"/")[1].decode("latin-1")
        if request.operation == UPLOAD_PART:
            return _of_file(subject_id)
        return Subject(bucket_id=subject_id, name=_text(request.header_map.get(b"x-bz-file-name", b"")))
    if request.operation == DOWNLOAD_BY_ID and request.document is None:
        return _of_file(next((_text(one[7:]) for one in request.raw_query.split(b"&") if one[:7] == b"fileId="), ""))
    return _of_document(request.document)


def _of_document(document: object) -> Subject:
    if not isinstance(document, Body):
        return Subject()
    bucket_id, file_id = subject_of(document)
    name = getattr(document, "file_name", None) or ""
    if bucket_id is not None:
        return Subject(bucket_id=bucket_id, name=name)
    subject = _of_file(file_id)._replace(name=name)
    # A copy that names no bucket stays in that of its source, but is another version.
    return subject._replace(file_id="") if file_id == getattr(document, _SOURCE, None) else subject


def _of_file(file_id: str | None) -> Subject:
    """The version of this id, whose bucket the id names; nothing where it is none of ours."""
    parsed = parse_file_id(file_id or "")
    return Subject() if parsed is None else Subject(bucket_id=parsed.bucket_id, file_id=str(parsed))


def _text(raw: bytes) -> str:
    """The text of a piece of a URL; where it is none, the request was refused for it and concerns nothing."""
    with contextlib.suppress(BadRequest):
        return decode(raw, "")
    return ""


def _told(request: Request, response: Response) -> _Told:
    """What the answer says of the file: a download in its headers, a call in its body."""
    if request.operation in _DOWNLOADS:
        if response.status not in {200, 206}:
            return _Told()
        headers = dict(response.headers)
        name = _text(headers.get(b"x-bz-file-name", b""))
        return _Told(headers.get(b"x-bz-file-id", b"").decode("ascii"), name, size_served(response))
    if response.status == 200 and isinstance(response.body, bytes):
        with contextlib.suppress(msgspec.DecodeError):
            return _told_decoder.decode(response.body)
    return _Told()


def _authentication(request: Request) -> str:
    if request.principal is None or request.principal.key_id is None:
        return ""
    return "AuthHeader" if b"authorization" in request.header_map else "QueryString"
