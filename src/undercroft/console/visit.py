"""One request to the console: who it is from, what it brings, and the ways to answer it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from undercroft.console import navigation, templates
from undercroft.console.cap_banner import Said
from undercroft.console.languages import Languages, Translated, _, current, in_english
from undercroft.console.languages.choice import Choice
from undercroft.console.members import rights
from undercroft.console.notices import NOTICES
from undercroft.console.numbers import whole_number
from undercroft.http import origin
from undercroft.http.refusal import new_request_id
from undercroft.http.request import Request as PlainRequest
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.errors import InvalidRequest
from undercroft.store.identity.audit import Change, changes_of
from undercroft.store.identity.principals import Principal
from undercroft.store.identity.sessions import SignedIn
from undercroft.store.model import Account, Bucket
from undercroft.store.names import BUCKET_TYPES

T = TypeVar("T")
THEMES = ("system", "light", "dark")
# Parameters of an address that are about what was just done, and not about the page.
PASSING = frozenset({"notice", "undo", "undo_all"})


class Noted(msgspec.Struct):
    """What a handler knows better than the guard of what goes into the audit log."""

    action: str = ""
    target: str = ""
    details: dict[str, str] = {}
    changes: dict[str, Change] | None = None  # Of settings; None where the entry is not about any.
    about: list[str] = []  # Further accounts, into whose log it goes as well.


class Console:
    """What all visits share. `paths` are those that have pages."""

    def __init__(
        self, store: Store, settings: Settings, assets_version: str, paths: set[str], languages: Languages
    ) -> None:
        self.store = store
        self.settings = settings
        self.choice = Choice(languages)
        self.templates = {tag: templates.environment(assets_version, one) for tag, one in languages.items()}
        self.paths = paths
        self.bucket_pages = navigation.shown_of_bucket(paths)
        suffix = settings.console_listen.port  # Cookies ignore ports, and two installations may share a host.
        self.session_cookie = f"undercroft_session_{suffix}"
        self.form_cookie = f"undercroft_form_{suffix}"
        self.pending_cookie = f"undercroft_pending_{suffix}"  # Between the password and the code.
        self.trust_cookie = f"undercroft_trust_{suffix}"
        self.operator_cookie = f"undercroft_operator_{suffix}"
        self.known_cookie = f"undercroft_known_{suffix}"  # Of a browser that somebody has signed in with.
        self.theme_cookie = "undercroft_theme"
        self.rail_cookie = "undercroft_rail"
        self.language_cookie = "undercroft_language"

    def has_page(self, path: str) -> bool:
        """Whether there is a page of this path, as the table of pages writes it."""
        return path in self.paths


class Visit:
    """One request.

    `has_b2` tells whether the account has enabled B2 Cloud Storage. `noted` and `refusal` are for the audit log: what a handler
    said of its deed, and why it was refused. `form` has the fields of a form that was sent, and is empty else. `csrf_token` is what forms and scripts of the answer
    have to send back. `request_id` is in the answer's headers, and said where something is refused. `cookies` maps names to values to be set with the answer, None to remove one.
    """

    def __init__(self, request: Request, console: Console, signed_in: SignedIn | None, csrf_token: str) -> None:
        self.request = request
        self.console = console
        self.store = console.store
        self.settings = console.settings
        self.signed_in = signed_in
        self.csrf_token = csrf_token
        self.plain = PlainRequest.of_scope(request.scope, request.receive)
        self.form = FormData()
        self.raw_body = b""
        self.cookies: dict[str, str | None] = {}
        self.reached: list[Said] = []  # Caps that refuse something now, and soft limits that are reached.
        self.has_jobs = False  # Whether the tray has jobs to show: scripts then ask for them.
        self.has_b2 = False
        self.noted = Noted()
        self.refusal = ""
        self.request_id = new_request_id()

    # -- Who and what ---------------------------------------------------------------------------------------------------
    @property
    def account(self) -> Account:
        """Whose console this is. Only for pages of those who are signed in."""
        assert self.signed_in is not None
        return self.signed_in.account

    @property
    def principal(self) -> Principal:
        """In whose name the store is asked."""
        assert self.signed_in is not None
        return self.signed_in.principal

    def can(self, capability: str) -> bool:
        """Whether the principal may do what takes this capability: what a member's role lacks is not offered."""
        return self.principal.can(capability)

    @property
    def address(self) -> str:
        """The visitor's address, as far as proxies can be believed."""
        return origin.client_of(self.plain, self.settings)

    @property
    def user_agent(self) -> str:
        """What the browser says it is."""
        return self.request.headers.get("user-agent", "")

    @property
    def own_origin(self) -> str:
        """The origin of the console's pages, as browsers say it: of the settings, else as the request was addressed."""
        here = self.settings.console_url or origin.addressed_to(self.plain, self.settings, self.settings.console_listen)
        return origin.at_port(here, None)

    @property
    def api_origin(self) -> str:
        """Where this browser reaches the API: as the settings say, else the API's port of the host it reached us at."""
        if self.settings.public_url is not None:
            return self.settings.public_url
        here = urlsplit(self.own_origin)
        host = f"[{here.hostname}]" if ":" in (here.hostname or "") else here.hostname
        return f"{self.settings.scheme}://{host}:{self.settings.listen.port}"

    @property
    def s3_endpoint(self) -> str:
        """The endpoint that S3 clients are told."""
        return self.settings.s3_endpoint(self.api_origin)

    @property
    def languages(self) -> Languages:
        """The languages that pages can be in."""
        return self.console.choice.languages

    @property
    def wants_json(self) -> bool:
        """Whether a script asks, and not a person."""
        return "application/json" in self.request.headers.get("accept", "")

    @property
    def session_secret(self) -> str:
        """The secret of the session, which only the browser has."""
        return self.request.cookies.get(self.console.session_cookie, "")

    @property
    def session_left_ms(self) -> int:
        """How long the session lasts if nothing more is asked."""
        assert self.signed_in is not None
        return max(0, self.signed_in.session.ends_ms - self.store.ambient.now_ms())

    @property
    def groups(self) -> list[navigation.Group]:
        """The groups of the left rail that this person has."""
        hidden = set() if self.has_b2 else {navigation.B2_GROUP}
        if self.signed_in is None or not self.signed_in.account.is_operator:
            hidden.add(navigation.OPERATOR_GROUP)
        return navigation.shown(self.shown_paths, hidden)

    @property
    def shown_paths(self) -> Collection[str]:
        """The paths of the console that this person is not refused from the start."""
        if self.signed_in is None or self.signed_in.member is None:
            return self.console.paths
        return {path for path in self.console.paths if rights.refusal(self.signed_in, path) is None}

    def bucket_tabs(self, name: str) -> list[tuple[str, str]]:
        """The tabs of a bucket's pages that this person has: path and text."""
        return [(f"/buckets/{name}{page.suffix}", _(page.tab)) for page in self.bucket_pages]

    @property
    def bucket_pages(self) -> list[navigation.BucketPage]:
        """The pages of a bucket that this person has."""
        return [page for page in self.console.bucket_pages if self.can(page.needs)]

    def audit(self, action: str = "", *, target: str = "", about: str = "", **details: str) -> None:
        """Say what goes into the audit log of this request, in place of what the guard would make of it.

        `about` is another account's id, in whose log it goes as well.
        """
        noted = self.noted
        noted.action = action or noted.action
        noted.target = target or noted.target
        noted.details = {**noted.details, **details}
        if about:
            noted.about.append(about)

    def audit_changes(self, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Say which settings were changed: those, by name, whose words differ. Ask once it is done.

        `store/buckets/in_words.py`, `store/identity/audit_words.py` and `store/accounting/alert_words.py` have such words.
        """
        self.noted.changes = changes_of(before, after)

    def path(self, name: str) -> str:
        """A parameter of the path."""
        return str(self.request.path_params[name])

    async def bucket(self) -> Bucket:
        """The bucket that the path names (`{name}`), as it is now. Raises `NoSuchBucket` and `Unauthorized`."""
        return await self.store.buckets.read(self.principal, self.path("name"))

    async def own_buckets(self) -> Sequence[Bucket]:
        """The buckets that the account fills itself, as far as the principal sees them: not the one of snapshots.

        Raises `Unauthorized`.
        """
        return await self.store.buckets.list(self.principal, types=BUCKET_TYPES, lenient=True)

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the address."""
        return self.request.query_params.get(name, default)

    @property
    def notice(self) -> str:
        """The word of the notice that this page is to show, if it is one of `NOTICES`; else an empty one."""
        return self.query("notice") if self.query("notice") in NOTICES else ""

    @property
    def filter(self) -> str:
        """The text that the list of the page is narrowed by; empty where none is typed."""
        return self.query("filter").strip()

    def with_query(self, **changes: str | None) -> str:
        """The address of this page with other parameters; those that are None or empty are left out."""
        query = {name: value for name, value in self.request.query_params.items() if name not in PASSING}
        query |= {name: value or "" for name, value in changes.items()}
        text = urlencode({name: value for name, value in query.items() if value})
        return quote(self.request.url.path) + (f"?{text}" if text else "")

    def field(self, name: str, default: str = "") -> str:
        """A field of the form."""
        value = self.form.get(name, default)
        assert isinstance(value, str)  # Forms with files are not read.
        return value

    def fields(self, name: str) -> list[str]:
        """Every value of a field of the form."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    @property
    def revision(self) -> int:
        """The revision of a bucket that a form was opened at. Raises `InvalidRequest` where a form says none."""
        number = whole_number(self.field("revision", "0"))
        if number is None:
            raise InvalidRequest(_("The revision of the bucket is missing. Open the page again."), "revision")
        return number

    def json(self, kind: type[T]) -> T:
        """The JSON that a script sent. Raises `msgspec.ValidationError` and `msgspec.DecodeError`."""
        try:
            return msgspec.json.decode(self.raw_body, type=kind)
        except UnicodeDecodeError:
            raise msgspec.DecodeError(_("It is not UTF-8.")) from None
        except RecursionError:
            raise msgspec.DecodeError(_("It is nested too deeply.")) from None

    # -- Answers ------------------------------------------------------------------------------------------------------
    def render(
        self, template: str, *, status: int = 200, errors: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        """The page of this template. `errors` has what is wrong by the name of a form's field."""
        self.refusal = " ".join(in_english(error) for error in (errors or {}).values())
        language = current()
        theme = self.request.cookies.get(self.console.theme_cookie, "system")
        page = (
            self.console.templates[language.tag]
            .get_template(template)
            .render(
                visit=self,
                language=language,
                signed_in=self.signed_in,
                groups=self.groups,
                here=self.request.url.path,
                theme=theme if theme in THEMES else "system",
                is_rail_narrow=self.request.cookies.get(self.console.rail_cookie) == "narrow",
                notice=_(NOTICES.get(self.notice, "")),
                now_ms=self.store.ambient.now_ms(),
                errors=defaultdict(str, errors or {}),
                **values,
            )
        )
        return HTMLResponse(page, status)

    def redirect(self, path: str, *, notice: str = "", **query: str) -> Response:
        """The way to another page of the console, where one of `NOTICES` is shown."""
        assert path.startswith("/"), path
        assert not path.startswith("//"), path
        if notice:
            assert notice in NOTICES, notice
            query["notice"] = notice
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)

    def answer_json(self, value: Any, *, status: int = 200) -> Response:
        """JSON for a script."""
        return JSONResponse(msgspec.to_builtins(value, enc_hook=_plain), status)


def _plain(value: object) -> str:
    """A text in another language as any other text, for JSON."""
    assert isinstance(value, Translated), type(value)
    return str(value)
