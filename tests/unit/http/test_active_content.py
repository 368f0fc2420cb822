"""Which files are sandboxed: whatever names markup anywhere in its type, however it is written."""

from __future__ import annotations

import pytest

from undercroft.http.active_content import NOSNIFF, SANDBOX, protecting_headers


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html", "TEXT/HTML; charset=x", "text/plain, text/html", "image/svg+xml", "application/xml", "text/xsl", "application/xslt+xml",
        "multipart/x-mixed-replace", "message/rfc822", "application/xhtml+xml",
    ],
)  # fmt: skip
def test_what_a_browser_would_render_is_sandboxed(content_type):
    assert protecting_headers(content_type) == [NOSNIFF, SANDBOX]


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "image/png", "application/pdf", "text/javascript", "*/*", "x"]
)
def test_nothing_else_is_but_no_type_is_guessed(content_type):
    assert protecting_headers(content_type) == [NOSNIFF]
