"""The audit log: who did what, when, from where, and what came of it.

Whatever somebody does in the console is written down, also what was refused: right after what the row tells of, with its
outcome. What is managed through the APIs has its row from `deeds.py`. Rows outlive the account that they are about, for the
operator; they go when they are old, or when there are very many.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Literal, NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import audit
from undercroft.catalog.audit import AuditRow, Wanted
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.store import ids
from undercroft.store.accounting.model import DAY_MS
from undercroft.store.ambient import Ambient
from undercroft.store.gate import Gate

Way = Literal["console", "command", "native", "s3"]
_EXPORT_PAGE = 500
END_OF_TIME_MS = 2**53
_PLACE = re.compile(r"([0-9]{1,16})-([0-9]{1,19})")
# What is named so is nobody's to read here. A webhook's address and headers let others in, so they are stored wrapped, and are
# secrets here too.
_SECRET = re.compile(r"pass|secret|token|code|key$|credential|url$|header_value", re.IGNORECASE)
_HIDDEN = "(not shown)"


class Actor(msgspec.Struct, frozen=True):
    """Who does something: by the console an e-mail address, in a session; by an API a key; or a command of the operator's."""

    name: str
    way: Way = "console"
    address: str = ""
    session_id: str = ""


class Change(msgspec.Struct, frozen=True, array_like=True):
    """What a setting was, and what it is now, in words; empty where it was not set."""

    before: str
    after: str


def changes_of(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Change]:
    """The settings whose words differ, by name."""
    pairs = {name: Change(before.get(name, ""), after.get(name, "")) for name in dict.fromkeys((*before, *after))}
    return {name: change for name, change in pairs.items() if change.before != change.after}


def is_secret(name: str) -> bool:
    """Whether a field or a setting of this name has a value that the log must not have."""
    return _SECRET.search(name) is not None


OPERATOR_COMMAND = Actor("operator", "command")


class Entry(msgspec.Struct, frozen=True):
    """Something that somebody did. `result` is empty where it was done, and else why not. Times are milliseconds since the epoch."""

    account_id: str
    at_ms: int
    actor: str
    way: str
    address: str
    session_id: str
    action: str
    target: str
    details: dict[str, str]
    changes: dict[str, Change]
    result: str


class Filter(NamedTuple):
    """Which entries are wanted; texts may stand anywhere, and empty ones leave nothing out."""

    action: str = ""
    actor: str = ""
    way: Way | None = None
    text: str = ""  # In the target, the details, or the address.
    failed_only: bool = False
    since_ms: int = 0
    until_ms: int = END_OF_TIME_MS


class Page(NamedTuple):
    """Some entries, newest first, and where the next page goes on."""

    entries: list[Entry]
    next: str | None


class AuditLog:
    """The log of all accounts."""

    def __init__(self, catalog: Catalog, gate: Gate, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._ambient = ambient

    async def record(
        self,
        account_id: str,
        actor: Actor,
        action: str,
        *,
        target: str = "",
        details: Mapping[str, str] | None = None,
        changes: Mapping[str, Change] | None = None,
        result: str = "",
        within: Transaction | None = None,
    ) -> None:
        """Write down what was done to this account (empty: to none), or why it was not. Long texts are cut.

        `changes` are of settings, by their names; of those that are secret by their names, only that they were changed.
        `within` is the transaction of which the row is to be a part, where it is not to have its own.
        """
        told = {name: _redacted(name, change) for name, change in (changes or {}).items()}
        row = AuditRow(
            account_id,
            self._ambient.now_ms(),
            self._ambient.new_handle(),
            _cut(actor.name),
            actor.way,
            actor.address,
            actor.session_id,
            action,
            _cut(target),
            _packed(details or {}, told),
            _cut(result),
        )
        if within is not None:
            await audit.insert(within, row)
        else:
            await self._gate.write(lambda tx: audit.insert(tx, row))

    async def page(self, account_id: str | None, wanted: Filter, *, start: str = "", limit: int) -> Page:
        """Entries of an account or, for None, of all. `start` is where an earlier page said to go on."""
        rows = await self._rows(account_id, wanted, _place(start), limit + 1)
        following = f"{rows[limit - 1].at_ms}-{rows[limit - 1].entry}" if len(rows) > limit else None
        return Page([_entry(row) for row in rows[:limit]], following)

    async def every(self, account_id: str | None, wanted: Filter) -> AsyncIterator[list[Entry]]:
        """All entries that are wanted, newest first, some at a time. What is written meanwhile is not among them."""
        place = _place("")
        while True:
            rows = await self._rows(account_id, wanted, place, _EXPORT_PAGE)
            if rows:
                yield [_entry(row) for row in rows]
            if len(rows) < _EXPORT_PAGE:
                return
            place = (rows[-1].at_ms, rows[-1].entry)

    async def prune(self) -> bool:
        """Remove what is too old, or too much of one account, some at a time; whether there may be more. The steward's work.

        The limit is each account's own, so that nobody can drive others' entries out; and refusals have one of their own, so
        that whoever may do nothing cannot drive out what was done.
        """
        before_ms = self._ambient.now_ms() - limits.AUDIT_KEPT_DAYS * DAY_MS
        at_once = limits.AUDIT_PRUNED_AT_ONCE
        removed = [await self._gate.write(lambda tx: audit.prune(tx, before_ms, at_once))]
        removed += await self._shorten(limits.AUDIT_REFUSALS_PER_ACCOUNT, at_once, refused_only=True)
        removed += await self._shorten(limits.AUDIT_ROWS_PER_ACCOUNT, at_once, refused_only=False)
        return at_once in removed

    async def _shorten(self, keep: int, at_once: int, *, refused_only: bool) -> list[int]:
        """Of each account that has more rows than `keep`, remove the oldest; how many were removed, of each."""
        removed = []
        for account_id in await self._catalog.scan(lambda rows: audit.longest(rows, keep, refused_only=refused_only)):

            async def change(tx: Transaction, account_id: str = account_id) -> int:
                return await audit.shorten(tx, account_id, keep, at_once, refused_only=refused_only)

            removed.append(await self._gate.write(change))
        return removed

    async def _rows(
        self, account_id: str | None, wanted: Filter, before: tuple[int, int], limit: int
    ) -> list[AuditRow]:
        asked = Wanted(
            account_id,
            _anywhere(wanted.action),
            _anywhere(wanted.actor),
            _anywhere(wanted.text),
            wanted.way or "",
            wanted.failed_only,
            wanted.since_ms,
            wanted.until_ms,
        )
        return await self._catalog.scan(lambda rows: audit.page(rows, asked, before, limit))


def like(text: str) -> str:
    """The text as a pattern of LIKE, in lower case, with `~` as escape."""
    return "".join(f"~{letter}" if letter in "~%_" else letter for letter in text.strip().lower())


def _anywhere(text: str) -> str:
    return f"%{like(text)}%"


def _place(start: str) -> tuple[int, int]:
    found = _PLACE.fullmatch(start)
    if found is None or int(found[2]) >> ids.HANDLE_BITS:
        return END_OF_TIME_MS, 0
    return int(found[1]), int(found[2])


def _cut(text: str) -> str:
    most = limits.AUDIT_TEXT_MAX_LENGTH
    return text if len(text) <= most else text[: most - 1] + "…"


def _redacted(name: str, change: Change) -> Change:
    """The change, without the values of what is secret by its name."""
    if not is_secret(name):
        return change
    return Change(*(_HIDDEN if value else "" for value in (change.before, change.after)))


def _packed(details: Mapping[str, str], changes: Mapping[str, Change]) -> str:
    """Details and changes as JSON of bounded size: what is too long goes, the last first, and of changes it is said."""
    kept: dict[str, str | Change] = {name: _cut(value) for name, value in details.items()}
    while len(msgspec.json.encode(kept)) > 2 * limits.AUDIT_TEXT_MAX_LENGTH:
        kept.popitem()
    for number, (name, change) in enumerate(changes.items()):
        more = {_cut(name): Change(_cut(change.before), _cut(change.after))}
        if len(msgspec.json.encode(kept | more)) > limits.AUDIT_CHANGES_MAX_BYTES:
            kept["and more"] = f"{len(changes) - number} of {len(changes)} changes"
            break
        kept |= more
    return msgspec.json.encode(kept).decode()


def _entry(row: AuditRow) -> Entry:
    told = msgspec.json.decode(row.details, type=dict[str, str | Change])
    return Entry(
        row.account_id,
        row.at_ms,
        row.actor,
        row.way,
        row.address,
        row.session_id,
        row.action,
        row.target,
        {name: value for name, value in told.items() if isinstance(value, str)},
        {name: value for name, value in told.items() if isinstance(value, Change)},
        row.result,
    )
