"""Make the facts table of the S3 operations from the service model that AWS publishes with botocore.

Run by `make s3-model`; the result, `src/undercroft/s3/facts.json`, is committed, so that the running server needs no
botocore and a change of the model shows as a difference to read. A test compares the table with the botocore of the
test environment.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore.session

FACTS_FILE = Path(__file__).resolve().parent.parent / "src" / "undercroft" / "s3" / "facts.json"

# Another host's operation: S3 Object Lambda calls it, no client of a bucket does.
LEFT_OUT = frozenset({"WriteGetObjectResponse"})


def scope_of(path: str) -> str:
    """What a request path addresses: the service, a bucket or an object."""
    if "{Key+}" in path:
        return "object"
    return "bucket" if "{Bucket}" in path else "service"


def members_at(shape: Any, location: str) -> list[str]:
    """The wire names of a shape's members that travel in one place (`querystring`, `header`), in order."""
    if shape is None:
        return []
    named = [
        (member.serialization["name"], member)
        for member in shape.members.values()
        if member.serialization.get("location") == location
    ]
    return sorted(name.lower() if location == "header" else name for name, _ in named)


def required_names(shape: Any) -> list[str]:
    """The wire names of the query parameters and headers that a request must have, beyond bucket and key."""
    if shape is None:
        return []
    places = (shape.members[name].serialization for name in shape.required_members)
    return sorted(place["name"] for place in places if place.get("location") in {"querystring", "header"})


def body_root(shape: Any) -> str:
    """The root element of a request's XML body, `(bytes)` for a raw one, or nothing."""
    payload = shape.serialization.get("payload") if shape is not None else None
    if payload is None:
        return ""
    member = shape.members[payload]
    return str(member.serialization.get("name", payload)) if member.type_name == "structure" else "(bytes)"


def checksum_trait(trait: dict[str, Any]) -> str:
    """Whether SDKs always, by default or never protect the request's body with a checksum."""
    if "requestAlgorithmMember" not in trait:
        return ""
    return "required" if trait.get("requestChecksumRequired") else "optional"


def operation_facts(operation: Any) -> dict[str, Any]:
    """One row of the table."""
    path, _, marks = operation.http["requestUri"].partition("?")
    given, answer = operation.input_shape, operation.output_shape
    return {
        "name": operation.name,
        "method": operation.http["method"],
        "scope": scope_of(path),
        "marks": [mark for mark in marks.split("&") if mark],
        "query": members_at(given, "querystring"),
        "required": required_names(given),
        "headers": members_at(given, "header"),
        "body": body_root(given),
        "checksum": checksum_trait(operation.http_checksum),
        "status": operation.http.get("responseCode", 200),
        "answer_headers": members_at(answer, "header"),
    }


def make_facts() -> list[dict[str, Any]]:
    """The whole table, by name. Deprecated operations are left out: they share the wire form of their successors."""
    model = botocore.session.get_session().get_service_model("s3")
    operations = (model.operation_model(name) for name in sorted(model.operation_names))
    return [
        operation_facts(operation)
        for operation in operations
        if not operation.deprecated and operation.name not in LEFT_OUT
    ]


def main() -> None:
    """Write the facts file."""
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in make_facts())
    FACTS_FILE.write_text(f"[\n{rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
