"""What logs show and what they never do."""

from __future__ import annotations

import json
import logging
import sys

import pytest
import structlog

from undercroft.serve import logs


@pytest.fixture(autouse=True)
def _as_before():
    handlers = logging.root.handlers[:]
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers


def test_logs_are_lines_of_json_on_standard_error_where_that_is_no_terminal(capsys):
    logs.configure("api-0")
    structlog.get_logger().info("something", count=3)
    said = capsys.readouterr()
    line = json.loads(said.err)
    assert (line["event"], line["count"], line["process"], line["level"]) == ("something", 3, "api-0", "info")
    assert said.out == ""


@pytest.mark.parametrize("terminal", [False, True])
def test_tracebacks_show_no_values_of_variables(capsys, monkeypatch, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    logs.configure("x")

    def fail(application_key):
        raise ValueError("went wrong")

    try:
        fail("K000" + "secret")
    except ValueError:
        structlog.get_logger().exception("failed")
    text = capsys.readouterr().err
    assert "went wrong" in text
    assert "K000secret" not in text


def test_what_libraries_log_comes_out_the_same_way(capsys):
    logs.configure("x")
    logging.getLogger("some.library").warning("careful: %s", "this")
    logging.getLogger("some.library").info("chatter")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["logger"], line["message"]) == ("library", "some.library", "careful: this")
