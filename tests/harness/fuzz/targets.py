"""Every target that needs no living store, by name; `faces.py` has the others."""

from __future__ import annotations

from harness.fuzz import chunked, connection, documents, forms, headers, names, signatures
from harness.fuzz.campaign import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (signatures, chunked, documents, names, headers, forms, connection)
    for target in module.TARGETS
}
