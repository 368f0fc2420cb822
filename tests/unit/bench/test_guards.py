"""A server that does not do the work is never measured as fast: every kind of load refuses its numbers."""

import os
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import large
import pytest
import small
from bodiless import ask_all
from targets import Invalid, Target
from work import QUICK, Work, checked, put_all

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed (Debian: apt-get install wrk)")


class Liar(Target):
    """A server that answers everything at once and alike."""

    name = title = "liar"
    durability = version = "none"
    pid = os.getpid()
    port = 0

    def launch(self):
        """It runs already."""

    def check_launch(self):
        """It runs."""

    def stop(self):
        """The fixture does."""


@pytest.fixture
def liar(tmp_path):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        status, body = 200, b""

        def _answer(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(self.status)
            self.send_header("content-length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else self.body)

        do_GET = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815 - named by the base class.

        def log_message(self, *_arguments):
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    target = Liar(tmp_path / "liar", None)
    target.port = server.server_port
    target.answers = Handler
    yield target
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def work(tmp_path):
    return Work(QUICK, tmp_path)


@needs_wrk
@pytest.mark.parametrize(("status", "body"), [(500, b""), (404, b"x" * 4096), (200, b""), (200, b"x" * 4095)])
def test_gets_that_bring_an_error_or_too_little_are_invalid(liar, work, status, body):
    liar.prepare("small", lambda: None)
    liar.answers.status, liar.answers.body = status, body

    with pytest.raises(Invalid):
        small.small("GET", 1)(work, liar)


@needs_wrk
def test_puts_whose_files_are_not_there_afterwards_are_invalid(liar, work):
    with pytest.raises(Invalid, match="other bytes"):
        small.small("PUT", 1)(work, liar)


def test_heads_of_files_of_another_size_are_invalid(liar, work):
    liar.answers.body = work.block[:4096] + b"!"

    with pytest.raises(Invalid, match=r"other bytes|length"):
        small.small("HEAD", 1)(work, liar)


def test_deletes_after_which_the_file_is_still_there_are_invalid(liar, work):
    liar.answers.status = 204
    liar.prepare("small", lambda: None)

    with pytest.raises(Invalid, match="204"):
        small.small("DELETE", 1)(work, liar)


def test_every_status_of_a_load_without_bodies_is_looked_at(liar):
    liar.answers.status = 403
    with pytest.raises(Invalid, match="403"):
        ask_all(liar, "DELETE", iter(["/a", "/b"]), clients=1, status=204, seconds=1)


def test_a_load_without_bodies_asks_for_every_path_exactly_once(liar):
    told = ask_all(liar, "HEAD", iter([f"/{number}" for number in range(50)]), clients=4, status=200, seconds=60)
    assert told["requests"] == 50


def test_a_large_file_that_comes_back_short_is_invalid(liar, work):
    liar.prepare("large-to-get", lambda: None)
    liar.answers.body = b"x" * 1000

    with pytest.raises(Invalid, match="1000 of"):
        large.get(work, liar)


def test_a_large_file_that_was_not_kept_whole_is_invalid(liar, work):
    with pytest.raises(Invalid, match="large has 0 of"):
        large.put(work, liar)


def test_a_preparation_that_is_refused_is_invalid_and_is_done_again(liar):
    liar.answers.status = 503
    asked = []
    for _ in range(2):
        with pytest.raises(Invalid, match="503"):
            liar.prepare("x", lambda: (asked.append(1), put_all(liar, ["/a"], b"")))

    assert len(asked) == 2


def test_an_answer_with_another_status_is_invalid(liar):
    with pytest.raises(Invalid, match="answered 200 instead of 404"):
        checked(liar, "GET", "/a", 404)
