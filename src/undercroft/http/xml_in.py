"""XML as clients send it: hostile until parsed.

Elements are matched by local name, since clients send documents with the S3 namespace, with another prefix or with
none. Entities, document types and the network are off. Depth and the number of tags are limited here, and size by whoever
read the body: an element of four bytes costs a microsecond and a quarter of a kilobyte. Every violation is `MalformedXML`,
and so is an element that the document's schema does not have: a setting that we do not know must not be dropped in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lxml import etree

from undercroft import limits
from undercroft.http.errors import MalformedXML

# Whether there is an element below the deepest level allowed. A walk in Python would take longer than the parsing.
_too_deep = etree.XPath(f"boolean({'/*' * (limits.XML_DEPTH_MAX + 1)})")


def parse_document(body: bytes, root: str) -> etree._Element:
    """The root element of a document whose root has this local name. Raises `MalformedXML`."""
    if body.count(b"<") > limits.XML_TAGS_MAX:
        raise MalformedXML("The XML of the body has more elements than any request has use for.")
    if b"<!DOCTYPE" in body:
        raise MalformedXML("The XML of the body has a document type, which is not allowed.")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        element = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedXML from error
    # The text above was searched as bytes; a document type written in another encoding shows here.
    docinfo = element.getroottree().docinfo
    if docinfo.internalDTD is not None or docinfo.externalDTD is not None or local_name(element) != root:
        raise MalformedXML
    if _too_deep(element):
        raise MalformedXML("The XML of the body is nested too deeply.")
    return element


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: etree._Element, allowed: Collection[str]) -> Iterator[tuple[str, etree._Element]]:
    """The child elements with their local names. Raises `MalformedXML` at one that is not allowed."""
    for child in element:
        name = local_name(child)
        if name not in allowed:
            raise MalformedXML(f"The element {name} is not expected in {local_name(element)}.")
        yield name, child
