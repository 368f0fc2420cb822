"""Both sides of a comparison: asks Undercroft and the reference model the same, and compares whatever the two say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from model.driver import Driver, Refusal
from model.reference import Reference
from model.things import Ask, Bucket, Key, Place, Range, Refused, Row, Version

OBJECTS = frozenset({"bucket", "version", "large", "source", "key"})  # What the model is told by id.
PAGES_MAX = 1000


class Sides(RuleBasedStateMachine):
    """A state machine without rules. A subclass says by which way to Undercroft, and in which dialects."""

    driver: ClassVar[Driver]
    dialects: ClassVar[tuple[bool, ...]] = (False,)  # Whether S3.
    steps: ClassVar[int] = 0
    successes: ClassVar[int] = 0  # Answers compared that are no refusals.
    refusals: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.model = Reference()
        self.accounts: list[str] = []  # The keys of the accounts that there are from the start.
        self.keys: list[Key] = []  # Those made in this example, also when they are deleted.
        self.story: list[str] = []  # What was asked and answered, for a failure that cannot be repeated.
        self.known: dict[str, Bucket] = {}  # The latest bucket of each name, also when it is deleted.

    def both(self, operation: str, actor: str | None, s3: bool, **arguments: Any) -> Any:
        """Ask both sides and compare what they say: Undercroft's answer, or None for a refusal."""
        said, refusal, ask = self._ask(operation, actor, s3, arguments)
        ruled = self._rule(operation, ask, refusal, arguments)
        if refusal is None:
            agree(said, ruled, operation)
        return said

    def walk(self, operation: str, actor: str | None, s3: bool, sizes: list[int], **arguments: Any) -> None:
        """Compare a list, page by page, with what the model answers in one."""
        rows: list[Any] = []
        cursor = None
        for turn in range(PAGES_MAX):
            limit = sizes[turn % len(sizes)]
            page, refusal, ask = self._ask(operation, actor, s3, {**arguments, "limit": limit, "cursor": cursor})
            ruled = self._rule(operation, ask, refusal, arguments)
            if refusal is not None:
                return
            rows += page[0]
            cursor = page[1]
            if cursor is None:
                agree(rows, ruled, operation)
                return
            assert len(page[0]) == limit, f"{operation}: a page with others behind it is full"
        raise AssertionError("the list does not end")

    def walk_while(
        self,
        operation: str,
        actor: str | None,
        s3: bool,
        sizes: list[int],
        after: Place | None,
        between: Callable[[list[Row], int], bool],
        start: dict[str, Any],
        moved: bool,
        **arguments: Any,
    ) -> None:
        """Compare a list page by page, each with what the model has behind the row before it at that time.

        `between` is called after each page with the model's rows and the number of those on the page, and tells whether it
        deleted what the next page begins from. So does `moved` of the start. A page then skips nothing either, but may
        repeat versions of that one name.
        """
        cursor = None
        for turn in range(PAGES_MAX):
            limit = sizes[turn % len(sizes)]
            asked = {**arguments, **start, "limit": limit, "cursor": cursor}
            page, refusal, ask = self._ask(operation, actor, s3, asked)
            rows = self._rule(operation, ask, refusal, {**arguments, "after": after})
            if refusal is not None:
                return
            said, cursor = page
            if moved and after is not None:
                rows = self._rows_from(said, operation, ask, {**arguments, "after": after})
            agree(said, [row.answer for row in rows[:limit]], operation)
            if cursor is None:
                assert len(rows) <= limit, f"{operation}: the list ends before {rows[limit].answer}"
                return
            after = rows[limit - 1].place
            moved = between(rows, limit)
        raise AssertionError("the list does not end")

    def _rows_from(self, said: list[Any], operation: str, ask: Ask, arguments: dict[str, Any]) -> list[Row]:
        """The rows that a page begins with which may repeat versions of the name it begins in, or the folder that holds it."""
        after = arguments.pop("after")
        rows = self._rule(operation, ask, None, {**arguments, "after": Place(after.name)})
        behind = self._rule(operation, ask, None, {**arguments, "after": after})
        again = rows[: len(rows) - len(behind)]
        first = (said[0].get("name"), said[0].get("id")) if said else None
        told = ((row.answer.get("name"), row.answer.get("id")) for row in again)
        begin = next((number for number, row in enumerate(told) if row == first), len(again))
        return rows[begin:]

    def _ask(
        self, operation: str, actor: str | None, s3: bool, arguments: dict[str, Any]
    ) -> tuple[Any, Refusal | None, Ask]:
        """Undercroft's answer or refusal, and what to tell the model of the request."""
        s3 = s3 and self.driver.knows(operation)
        before_ms = self.driver.now_ms()
        said, refusal = None, None
        try:
            said = self.driver.do(operation, s3, actor, **arguments)
        except Refusal as error:
            refusal = error
        after_ms = self.driver.now_ms()
        self.story.append(f"{operation} s3={s3} {_brief(arguments)} -> {refusal or _brief(said)}")
        chosen = said if isinstance(said, dict) else {}
        return said, refusal, Ask(actor, s3, chosen.get("id", ""), chosen.get("time_ms"), before_ms, after_ms)

    def _rule(self, operation: str, ask: Ask, refusal: Refusal | None, arguments: dict[str, Any]) -> Any:
        """The model's answer, after a look at whether both sides refuse for the same reason, if they do."""
        ids = {
            f"{name}_id" if name in OBJECTS else name: getattr(value, "id", value) for name, value in arguments.items()
        }
        try:
            ruled = self.model.do(ask, operation, **ids)
        except Refused as refused:
            self._agree_on_refusal(operation, ask, refusal, refused)
            return None
        except AssertionError:
            # The model looks at what the system chose, and a refusal chose nothing.
            if refusal is None:
                raise
        assert refusal is None, f"{operation} of {ask} was refused with {refusal}, but is allowed"
        type(self).successes += 1
        return ruled

    def _agree_on_refusal(self, operation: str, ask: Ask, refusal: Refusal | None, refused: Refused) -> None:
        wanted = {self.driver.words(operation, reason, ask.s3) for reason in refused.reasons}
        assert refusal is not None, f"{operation} of {ask} succeeded, but is to be refused: {refused}"
        type(self).refusals += 1
        if "bad key" in refused.reasons and not self.driver.clock_is_set:
            # A worker that has not heard yet that the key is gone may refuse for a reason that it finds before it looks.
            return
        assert refusal.said in wanted, f"{operation} of {ask} was refused with {refusal}, not with {wanted}"

    def teardown(self) -> None:
        """All that is left can be read byte by byte, and removed; what each removal uncovers is seen."""
        for bucket in list(self.model.buckets.values()):
            owner = self.owner_of(bucket.id)
            for version in self.model.versions_in(bucket.id):
                if version.action == "upload":
                    self.both("read_id", owner, False, version=version, asked=None, customer=version.customer)
                if version.held:
                    self.both("hold", owner, False, version=version, on=False)
                self.both("delete_version", owner, False, version=version, name=version.name, bypass=True)
                seen = self.model.visible(bucket.id, version.name)
                arguments = {"bucket": bucket, "name": version.name, "asked": Range(0, 0)}
                self.both("read_name", owner, False, **arguments, customer=None if seen is None else seen.customer)
        for bucket in list(self.model.buckets.values()):
            self.both("delete_bucket", self.owner_of(bucket.id), False, bucket=bucket)
        for key in self.keys:
            if key.id in self.model.keys:
                owner = next(actor for actor in self.accounts if self.model.keys[actor].account == key.account)
                self.both("delete_key", owner, False, key=key)

    def owner_of(self, bucket_id: str) -> str:
        """The key of the account that has a bucket."""
        account = self.model.buckets[bucket_id].account
        return next(actor for actor in self.accounts if self.model.keys[actor].account == account)

    def a_bucket(self, index: int) -> Bucket:
        """A bucket, at times one that is deleted."""
        alive = list(self.model.buckets.values())
        found = alive if alive and index % 8 != 7 else list(self.known.values())
        return found[index // 8 % len(found)]

    def a_version(self, index: int, *actions: str) -> Version | None:
        """A version, at times one that is deleted; None where there was never any."""
        found = [v for v in self.model.versions.values() if not actions or v.action in actions]
        if index % 8 == 7 or not found:
            # S3 knows buckets by name: where the name has a new bucket, it has no words for what was in the old one.
            latest = {bucket.id for bucket in self.known.values()}
            found = [v for v in self.model.graves.values() if v.bucket_id in latest] or list(
                self.model.versions.values()
            )
        return found[index // 8 % len(found)] if found else None


def _brief(value: Any) -> str:
    """A value short enough for a line of a story."""
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_brief(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return "[" + ", ".join(map(_brief, value)) + "]"
    return getattr(value, "id", None) or repr(value)[:100]


def agree(said: Any, ruled: Any, operation: str) -> None:
    """Fail unless what Undercroft says is what the model rules, as far as it says anything."""
    if isinstance(said, list):
        assert isinstance(ruled, list)
        shown = [row.get("name", row.get("id", row.get("number"))) for row in said]
        wanted = [row.get("name", row.get("id", row.get("number"))) for row in ruled]
        assert len(said) == len(ruled), f"{operation}: {shown} where {wanted} is ruled"
        for one, other in zip(said, ruled, strict=True):
            agree(one, other, operation)
    else:
        for name, value in said.items():
            if name == "body":
                assert value == ruled[name], f"{operation}: {len(value)} bytes differ from {len(ruled[name])} ruled"
            else:
                assert value == ruled[name], f"{operation}: {name} is {value!r}, {ruled[name]!r} is ruled"
