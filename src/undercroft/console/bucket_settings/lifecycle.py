"""Lifecycle Settings: the four choices of the original, all fields of a rule, and what the rules would do now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starlette.responses import Response

from undercroft.console.bucket_settings.lifecycle_words import days_of_preset
from undercroft.console.languages import _
from undercroft.console.problems import beside
from undercroft.console.visit import Visit
from undercroft.store.buckets.in_words import in_a_sentence, of_bucket
from undercroft.store.buckets.lifecycle_rules import CANCEL, DAYS, DELETE, HIDE, PREFIX, check_rules
from undercroft.store.errors import InvalidRequest, RevisionConflict
from undercroft.store.model import Bucket, Document
from undercroft.store.work.lifecycle import Schedule, Tally

KEEP_ALL, KEEP_LAST, KEEP_DAYS, CUSTOM = "all", "last", "days", "custom"
SPARE_ROWS = 2
_FIELDS = {"lifecycleRules": "rules"}


class Form(NamedTuple):
    """What the form says: the choice, its days, and the rows of custom rules as typed."""

    choice: str
    days: str
    rows: Sequence[Mapping[str, str]]


class Simulation(NamedTuple):
    """What rules would do now, and whether everything was looked at."""

    tally: Tally
    is_complete: bool


async def show(visit: Visit) -> Response:
    """The rules as they are."""
    bucket = await visit.bucket()
    return await _page(visit, bucket, _form_of(bucket.lifecycle_rules), bucket.lifecycle_rules)


async def save(visit: Visit) -> Response:
    """Replace the rules, or only tell what they would do."""
    bucket = await visit.bucket()
    form = Form(visit.field("choice"), visit.field("days").strip(), _rows(visit))
    try:
        rules = _rules(form, bucket.lifecycle_rules)
        check_rules(rules)
        if visit.field("simulate"):
            simulation = Simulation(*await visit.store.work.lifecycle.simulate(bucket, rules))
            return await _page(visit, bucket, form, rules, simulation=simulation)
        changed = await visit.store.buckets.update(
            visit.principal,
            bucket.bucket_id,
            lifecycle_rules=rules,
            if_revision_is=visit.revision,
        )
    except (InvalidRequest, RevisionConflict) as error:
        errors = beside(error, _FIELDS, "days" if form.choice == KEEP_DAYS else "rules")
        return await _page(visit, bucket, form, bucket.lifecycle_rules, status=422, errors=errors)
    visit.audit_changes(of_bucket(bucket), of_bucket(changed))
    return visit.redirect(f"/buckets/{bucket.name}/lifecycle", notice="settings-saved")


def _rows(visit: Visit) -> list[dict[str, str]]:
    columns = [visit.fields(name) for name in (PREFIX, *DAYS)]
    rows = [dict(zip((PREFIX, *DAYS), cells, strict=True)) for cells in zip(*columns, strict=False)]
    return [row for row in rows if any(text.strip() for text in row.values())]


def _rules(form: Form, before: Sequence[Document]) -> list[Document]:
    """The rules that the form asks for. Raises `InvalidRequest`."""
    if form.choice == CUSTOM:
        return _custom_rules(form.rows)
    rules = preset_rules(form.choice, form.days)
    if rules and days_of_preset(before) == rules[0][DELETE]:
        return list(before)  # Just as it was set, with the members that its maker sent.
    return rules


def _custom_rules(rows: Sequence[Mapping[str, str]]) -> list[Document]:
    """The rules of these rows. What is wrong with each by itself is said of all of them, in one `InvalidRequest`."""
    rules, faults = list[Document](), list[str]()
    for row in rows:
        try:
            rule = _rule(row)
            check_rules([rule])
            rules.append(rule)
        except InvalidRequest as fault:
            faults.append(str(fault))
    if faults:
        raise InvalidRequest(" ".join(dict.fromkeys(_sentence(fault) for fault in faults)), "lifecycleRules")
    return rules


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def preset_rules(choice: str, days_text: str) -> list[Document]:
    """The rules of a choice that is not `CUSTOM`, with the days of `KEEP_DAYS` as typed. Raises `InvalidRequest`."""
    if choice == KEEP_ALL:
        return []
    days = 1 if choice == KEEP_LAST else _number(days_text)
    if days is None:
        raise InvalidRequest(_("For how many days are prior versions to be kept?"), "days")
    return [{PREFIX: "", HIDE: None, DELETE: days}]


def _rule(row: Mapping[str, str]) -> Document:
    rule: Document = {PREFIX: row[PREFIX], HIDE: _number(row[HIDE]), DELETE: _number(row[DELETE])}
    cancel = _number(row[CANCEL])
    return rule if cancel is None else {**rule, CANCEL: cancel}


def _number(text: str) -> int | None:
    """A whole number, or None for nothing. Raises `InvalidRequest`."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) > 0):
        raise InvalidRequest(
            _("%(text)s is no number of days: enter 1 or more, or nothing.", text=repr(text[:20])), "lifecycleRules"
        )
    return int(text)


def _form_of(rules: Sequence[Document]) -> Form:
    rows = [{name: "" if rule.get(name) is None else str(rule[name]) for name in (PREFIX, *DAYS)} for rule in rules]
    if not rules:
        return Form(KEEP_ALL, "", rows)
    days = days_of_preset(rules)
    if days is None:
        return Form(CUSTOM, "", rows)
    return Form(KEEP_LAST, "", rows) if days == 1 else Form(KEEP_DAYS, str(days), rows)


async def _page(
    visit: Visit,
    bucket: Bucket,
    form: Form,
    rules: Sequence[Document],
    *,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    simulation: Simulation | None = None,
) -> Response:
    blank = dict.fromkeys((PREFIX, *DAYS), "")
    settings = visit.settings
    return visit.render(
        "bucket_settings/lifecycle.html",
        status=status,
        errors=errors,
        bucket=bucket,
        form=form,
        rows=[*form.rows, *[blank] * SPARE_ROWS],
        sentences=[in_a_sentence(rule) for rule in rules],
        deletes_everything=any(not rule[PREFIX] and rule.get(HIDE) and rule.get(DELETE) for rule in rules),
        simulation=simulation,
        last_run=await visit.store.work.lifecycle.last_run(),
        next_ms=Schedule(settings.lifecycle_interval, settings.lifecycle_hour).next_ms(visit.store.ambient.now_ms()),
    )
