"""Every form and script call of a signed-in person reaches the audit log, without the section that answers it doing anything.

The guard writes an entry after each POST, also of one that was refused. What it says is made from the page (its section and
handler), its path and the fields and parameters sent, but for those that are secret. A handler that knows better says so:
`visit.audit(…)`; one that has changed settings says what they were and are: `visit.audit_changes(…)`. A row of the table of
pages may name its action, or none where nothing worth knowing happens (`action=""`).
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from undercroft.console.languages import in_english
from undercroft.console.page import Page
from undercroft.console.visit import Visit
from undercroft.store.identity.audit import Actor, is_secret
from undercroft.store.identity.sessions import SignedIn

# Fields that name what a form is about, the first that is there.
_NAMING = ("file", "choose", "path", "names", "name", "bucket", "key_id", "email")
_VALUES_SHOWN = 5


def action_of(page: Page) -> str:
    """What the log calls a page's deed: as its row says, else its section and its handler (`Keys: delete many`)."""
    if page.action is not None:
        return page.action
    section = page.handler.__module__.removeprefix("undercroft.console.").split(".")[0]
    return f"{section.replace('_', ' ').capitalize()}: {page.handler.__name__.replace('_', ' ')}"


async def write_down(visit: Visit, page: Page, who: SignedIn, response: Response) -> None:
    """Write an entry about what was answered to this person, and one for each account that the handler named."""
    note = visit.noted
    actor = Actor(who.person.email, address=visit.address, session_id=who.session.session_id)
    fields = _fields(visit)
    target = note.target or _target(visit, fields)
    if note.changes is None:
        details = note.details or {name: value for name, value in fields.items() if value and value != target}
    else:
        details = note.details or ({} if note.changes else {"changes": "none"})
    result = "" if response.status_code < 400 else visit.refusal or f"Status {response.status_code}"
    if who.operator is not None:
        details = {**details, "acting for": who.account.email}
    concerned = (who.account.account_id, who.session.operator_id, *note.about)
    for account_id in dict.fromkeys(filter(None, concerned)):
        await visit.store.audit.record(
            account_id,
            actor,
            note.action or action_of(page),
            target=in_english(target),
            details={name: in_english(value) for name, value in details.items()},
            changes=note.changes,
            result=result,
        )


def _fields(visit: Visit) -> dict[str, str]:
    """What was sent, without secrets: the fields of a form, or the plain members of a JSON object."""
    pairs = [*visit.request.query_params.multi_items()]
    pairs += [(name, str(value)) for name, value in visit.form.multi_items()]
    if visit.raw_body.startswith(b"{"):
        pairs += _members(visit.raw_body)
    gathered: dict[str, list[str]] = {}
    for name, value in pairs:
        if not is_secret(name):
            gathered.setdefault(name, []).append(value)
    return {name: _in_short(values) for name, values in gathered.items()}


def _members(body: bytes) -> list[tuple[str, str]]:
    try:
        sent = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []  # The handler has said what is wrong with it.
    found = []
    for name, value in sent.items():
        if isinstance(value, list):
            found += [(name, str(one)) for one in value if isinstance(one, (str, int))] or [(name, "")]
        elif isinstance(value, (str, int, float)):
            found.append((name, str(value)))
    return found


def _in_short(values: list[str]) -> str:
    more = len(values) - _VALUES_SHOWN
    return ", ".join(values[:_VALUES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _target(visit: Visit, fields: dict[str, str]) -> str:
    parts = [str(value) for name, value in visit.request.path_params.items() if not is_secret(name)]
    parts += [fields[name] for name in _NAMING if fields.get(name) and fields[name] not in parts][:1]
    return " / ".join(parts)
