"""The facts table: every operation of S3 as AWS's public service model describes it.

`facts.json` beside this file is made by `make s3-model` and committed. Routing and the tables of handlers and headers
are checked against it, so that an operation, a query parameter or a header that a client library knows is one that we
know too, if only to refuse it.
"""

from __future__ import annotations

from importlib import resources

import msgspec


class OperationFacts(msgspec.Struct, frozen=True):
    """One operation as it looks on the wire.

    `scope` is `service`, `bucket` or `object`. `marks` are the query names (or `name=value`) that tell it from others
    with the same method and scope. `query` and `headers` are what it takes, `required` what it cannot do without.
    `body` is the root of its XML body, `(bytes)` for a raw one, or empty; `checksum` says whether client libraries
    always (`required`), by default (`optional`) or never protect that body. `status` is the one of success.
    """

    name: str
    method: str
    scope: str
    marks: tuple[str, ...]
    query: frozenset[str]
    required: tuple[str, ...]
    headers: frozenset[str]
    body: str
    checksum: str
    status: int
    answer_headers: frozenset[str]


def _load() -> dict[str, OperationFacts]:
    text = resources.files(__package__).joinpath("facts.json").read_bytes()
    return {facts.name: facts for facts in msgspec.json.decode(text, type=list[OperationFacts])}


FACTS: dict[str, OperationFacts] = _load()
