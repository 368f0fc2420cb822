"""What the audit log says of a form that no section has said anything about."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.datastructures import FormData, QueryParams

from undercroft import console
from undercroft.console import auditing
from undercroft.console.page import Page, Who, post
from undercroft.console.sections import PAGES
from undercroft.store.identity.audit import is_secret


def visit_of(pairs=(), body=b"", query="", **path):
    request = SimpleNamespace(path_params=path, query_params=QueryParams(query))
    return SimpleNamespace(form=FormData(list(pairs)), raw_body=body, request=request)


async def delete_many(_visit):
    raise AssertionError


delete_many.__module__ = "undercroft.console.keys.table"


def test_an_action_is_named_by_the_row_or_else_by_section_and_handler():
    assert auditing.action_of(post("/keys/delete", delete_many)) == "Keys: delete many"
    assert auditing.action_of(post("/keys/delete", delete_many, action="Delete key")) == "Delete key"


@pytest.mark.parametrize(
    "name",
    ["password", "current_password", "password_again", "code", "csrf_token", "secret", "application_key", "applicationKey", "key",
     "signing_secret", "customer_key", "customerKey", "credential", "url", "webhook_url", "header_value"],
)  # fmt: skip
def test_secrets_are_left_out_by_their_names(name):
    assert auditing._fields(visit_of([(name, "hush"), ("name", "photos")])) == {"name": "photos"}


def test_fields_of_forms_and_members_of_json_are_told_in_short():
    pairs = [("file", f"f{number}") for number in range(8)]
    assert auditing._fields(visit_of(pairs)) == {"file": "f0, f1, f2, f3, f4 and 3 more"}
    body = b'{"name": "a", "size": 7, "files": ["x", "y"], "nested": {"a": 1}, "token": "hush", "flag": true}'
    assert auditing._fields(visit_of(body=body)) == {"name": "a", "size": "7", "files": "x, y", "flag": "True"}
    assert auditing._fields(visit_of(body=b"{broken")) == {}


def test_the_target_is_what_the_path_names_and_the_first_telling_field():
    visit = visit_of([("name", "photos")], bucket="holiday")
    assert auditing._target(visit, auditing._fields(visit)) == "holiday / photos"
    assert auditing._target(visit_of(name="photos"), {"name": "photos"}) == "photos"
    visit = visit_of(query="file=a/b.txt&token=hush", name="photos")
    assert auditing._target(visit, auditing._fields(visit)) == "photos / a/b.txt"
    assert auditing._fields(visit) == {"file": "a/b.txt"}


def test_every_form_of_the_console_is_written_down_but_for_those_that_say_so():
    silent = {page.path for page in PAGES if page.method == "POST" and not auditing.action_of(page)}
    signed_in = {page.path for page in PAGES if page.who is Who.SIGNED_IN}
    assert isinstance(PAGES[0], Page)
    chatty = {f"/buckets/{{name}}/uploads/{call}" for call in ("address", "part-address", "parts")}
    asking = {f"/buckets/{{name}}/selection/{what}" for what in ("confirm-delete", "snapshot")}
    assert silent & signed_in <= {
        "/session/extend",
        "/settings/passkeys/options",
        "/preferences/rail",
        *asking,
        *chatty,
    }, "what changes nothing"


def test_every_field_for_a_password_or_a_code_has_a_name_that_tells_it():
    for template in Path(console.__file__).parent.rglob("*.html"):
        text = template.read_text()
        for name in re.findall(r'password_field\("(\w+)"|name="(\w+)"[^>]*type="password"', text):
            assert is_secret("".join(name)), (template, name)
