"""What the lists share: their parameters, the place where a page begins, and the writing of names (reference, 2.9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from undercroft import limits
from undercroft.http.xml_out import escape
from undercroft.s3.call import Call
from undercroft.s3.errors import invalid_argument
from undercroft.s3.xml_out import url_encode
from undercroft.store.model import Checksum, Folder


@dataclass(frozen=True, slots=True)
class ListParameters:
    """What every list of keys takes. `limit` is the page size, `write` turns a name into element text."""

    prefix: str
    delimiter: str
    limit: int
    write: Callable[[str], str]
    encoding_element: str

    @classmethod
    def of(cls, call: Call, limit_name: str = "max-keys") -> ListParameters:
        """Read them from a request. Raises `InvalidArgument`."""
        encoding = call.query.get("encoding-type", "")
        if encoding not in {"", "url"}:
            raise invalid_argument("encoding-type", encoding, "Invalid Encoding Method specified in Request")
        return cls(
            prefix=call.query.get("prefix", ""),
            delimiter=call.query.get("delimiter", ""),
            limit=min(call.number(limit_name, limits.S3_LIST_MAX), limits.S3_LIST_MAX),
            write=url_encode if encoding else escape,
            encoding_element="<EncodingType>url</EncodingType>" if encoding else "",
        )

    def name(self, tag: str, text: str) -> str:
        """An element with a name in it, empty where the name is."""
        return f"<{tag}>{self.write(text)}</{tag}>"

    def heading(self) -> str:
        """The elements that repeat the common parameters."""
        delimiter = self.name("Delimiter", self.delimiter) if self.delimiter else ""
        return f"{self.name('Prefix', self.prefix)}{delimiter}{self.encoding_element}"

    def folder(self, folder: Folder) -> str:
        """The element of a common prefix."""
        return f"<CommonPrefixes>{self.name('Prefix', folder.name)}</CommonPrefixes>"

    def start_after(self, marker: str) -> str:
        """The least name that a page after this marker may hold; `""` for no marker.

        A marker that is a common prefix stands for everything under it.
        """
        if not marker:
            return ""
        if self.delimiter and marker.startswith(self.prefix):
            found = marker.find(self.delimiter, len(self.prefix))
            if found >= 0 and found + len(self.delimiter) == len(marker):
                return after_prefix(marker)
        # Nothing lies between a string and the same string with the least character behind it.
        return marker + "\0"


def after_prefix(prefix: str) -> str:
    """The least string that is greater than everything with this prefix, in the byte order of UTF-8."""
    while prefix and prefix[-1] == "\U0010ffff":
        prefix = prefix[:-1]
    if not prefix:
        return "\U0010ffff" * (limits.FILE_NAME_MAX_BYTES // 4 + 1)
    following = ord(prefix[-1]) + 1
    # The surrogates are no characters; the order goes on behind them.
    return prefix[:-1] + chr(0xE000 if following == 0xD800 else following)


def listed_checksum(checksum: Checksum | None) -> str:
    """The elements by which a list says that an object has a checksum."""
    if checksum is None:
        return ""
    return (
        f"<ChecksumAlgorithm>{checksum.algorithm.upper()}</ChecksumAlgorithm>"
        f"<ChecksumType>{checksum.type}</ChecksumType>"
    )
