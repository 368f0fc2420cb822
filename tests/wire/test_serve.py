"""`undercroft serve`: starting, stopping, crashing, health, metrics, TLS."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from contextlib import closing, suppress
from urllib.parse import urlsplit

import psutil
import pytest

from harness.certificates import make_certificates
from harness.server import COMMAND, ServerFailed, clean_environment, run_command

PATIENCE_S = 20.0


def until(condition, what: str):
    """The first true value of a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return found


def connect(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)


def begin_upload(server, length: int) -> socket.socket:
    """A connection with a request in flight: its body is still to come."""
    url = urlsplit(server.api_url)
    connection = socket.create_connection((url.hostname, url.port), timeout=PATIENCE_S)
    # A document that the native face reads before it judges it.
    connection.sendall(
        b"POST /b2api/v3/b2_list_buckets HTTP/1.1\r\nHost: localhost\r\nAuthorization: %s\r\n"
        b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (account_token(server).encode(), length)
    )
    assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
    return connection


def account_token(server) -> str:
    with closing(connect(server.api_url)) as connection:
        authorization = b64(f"{server.key_id}:{server.application_key}")
        connection.request("GET", "/b2api/v3/b2_authorize_account", headers={"Authorization": f"Basic {authorization}"})
        return json.loads(connection.getresponse().read())["authorizationToken"]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# -- Starting ---------------------------------------------------------------------------------------------------------
def test_first_start_announces_credentials_and_a_later_one_does_not(make_server):
    server = make_server().start()
    first = dict(server.announcement)
    assert list(first) == [
        "apiUrl", "s3Endpoint", "region", "consoleUrl", "email", "password", "accountId", "masterApplicationKey", "keyId",
        "applicationKey",
    ]  # fmt: skip
    server.stop()
    server.start()
    secrets = {"password", "masterApplicationKey", "keyId", "applicationKey"}
    assert server.announcement == {name: value for name, value in first.items() if name not in secrets}


def test_secrets_are_in_no_log_and_no_file_but_the_announcement(make_server):
    server = make_server(environment={"UNDERCROFT_BOOTSTRAP_PASSWORD": "correct horse battery"}).start()
    account_token(server)
    server.stop()
    files = [path for path in server.data_dir.rglob("*") if path.is_file()]
    assert files
    for path in [*files, server.log_file]:
        content = path.read_bytes()
        for name in ("password", "masterApplicationKey", "applicationKey"):
            assert server.announcement[name].encode() not in content, (name, path)


def test_what_the_server_writes_is_for_its_owner_alone(server):
    for path in [server.data_dir, *server.data_dir.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_second_server_on_the_same_data_is_refused_and_the_first_goes_on(server, make_server):
    second = make_server(data_dir=server.data_dir, environment={})
    log = server.log_tail()
    with pytest.raises(ServerFailed):
        second.start()
    assert f"is being served already, by process {server.pid}" in server.log_tail()[len(log) :]
    assert server.get("/readyz")[0] == 200


def test_a_port_in_use_is_a_clear_error_and_makes_no_account(server, tmp_path):
    port = urlsplit(server.api_url).port
    done = subprocess.run(
        [COMMAND, "serve", "--json", "--data", str(tmp_path / "data"), "--listen", f"127.0.0.1:{port}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=clean_environment(tmp_path),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"--listen: cannot listen on 127.0.0.1:{port}: another program listens there already" in done.stderr
    assert not (tmp_path / "data" / "catalog.db").exists()


def test_a_server_that_was_killed_starts_again_at_once(make_server):
    server = make_server().start()
    server.kill()
    server.start()
    assert server.get("/readyz") == (200, b"ok\n")


def test_listening_beyond_loopback_without_tls_warns(make_server):
    server = make_server()
    server.options = ("--listen", f"0.0.0.0:{server.port}")
    server.start()
    assert "listening_without_tls" in server.log_tail()
    assert urlsplit(server.api_url).hostname == "localhost"


def test_commands_work_while_the_server_runs_and_name_its_address(server, new_email):
    email = new_email("served")
    made = server.create_account(email)
    assert made["apiUrl"] == made["s3Endpoint"] == server.api_url
    home = server.data_dir.parent
    shown = run_command("account", "show", made["accountId"], "--data", str(server.data_dir), home=home)
    assert shown["email"] == email


# -- Health and metrics -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("console", [False, True])
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_answered_on_both_addresses(server, console, path):
    assert server.get(path, console=console) == (200, b"ok\n")


def test_readyz_is_503_where_the_blobs_are_gone_and_healthz_is_not(make_server):
    server = make_server().start()
    (server.data_dir / "blobs").rename(server.data_dir / "elsewhere")
    assert server.get("/readyz")[0] == 503
    assert server.get("/healthz")[0] == 200
    (server.data_dir / "elsewhere").rename(server.data_dir / "blobs")
    assert server.get("/readyz")[0] == 200


def test_metrics_sum_all_processes_and_are_on_the_console_alone(make_server):
    server = make_server("--workers", "2").start()
    for _ in range(40):
        server.get("/healthz")

    def counted() -> float:
        status, body = server.get("/metrics", console=True)
        assert status == 200
        pattern = r'^undercroft_requests_total{face="health",operation="healthz",status="2xx"} (\S+)$'
        match = re.search(pattern, body.decode(), re.MULTILINE)
        return float(match[1]) if match else 0.0

    until(lambda: counted() == 40.0, "the workers' counts did not arrive")
    assert server.get("/metrics")[0] != 200


def test_metrics_are_not_for_clients_of_a_proxy(server):
    with closing(connect(server.console_url)) as connection:
        connection.request("GET", "/metrics", headers={"X-Forwarded-For": "198.51.100.1"})
        assert connection.getresponse().status == 403


def test_what_the_console_does_not_know_is_404(server):
    assert server.get("/b2api/v3/b2_list_buckets", console=True)[0] == 404


# -- Stopping and crashing --------------------------------------------------------------------------------------------
def test_stopping_lets_a_request_in_flight_finish_and_takes_no_new_ones(make_server):
    server = make_server().start()
    body = json.dumps({"accountId": server.account_id}).encode()
    with closing(begin_upload(server, len(body))) as connection, closing(connect(server.api_url)) as idle:
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        os.kill(server.pid, signal.SIGTERM)
        url = urlsplit(server.api_url)
        until(lambda: not accepts(url.hostname, url.port), "the server still accepts connections")
        connection.sendall(body)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer
    until(lambda: server.exit_code() is not None, "the server did not stop")
    assert server.exit_code() == 0


def accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def console_answers(server) -> bool:
    """Whether the console answers soon: a process that has just started may still be importing what pages are made with."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return server.get("/healthz", console=True)[0] == 200
    return False


def test_every_process_that_is_killed_is_started_again_and_the_others_go_on(make_server):
    server = make_server("--workers", "2").start()
    before = server.children()
    assert len(before) == 4
    for child in before:
        child.kill()
        until(lambda child=child: not is_alive(child), "not killed")
        until(lambda: sum(is_alive(one) for one in server.children()) == 4, "not restarted")
        server.wait_ready()
    assert not {child.pid for child in before} & {child.pid for child in server.children()}
    until(lambda: console_answers(server), "the console did not come back")
    server.stop()


def test_no_process_outlives_a_supervisor_that_is_killed(make_server):
    server = make_server().start()
    children = server.children()
    os.kill(server.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
    assert alive == []


def test_p12_a_process_that_ends_with_the_code_of_a_fatal_storage_error_stops_the_server_with_it(make_server):
    server = make_server().start()
    catalog = server.data_dir / "catalog.db"
    token = account_token(server)
    for suffix in ("", "-wal"):
        path = catalog.with_name(catalog.name + suffix)
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.write(os.urandom(size))  # A medium that returns garbage.
    with pytest.raises((OSError, http.client.HTTPException)):  # noqa: PT012 - the server goes away at one of them.
        for number in range(100):
            with closing(connect(server.api_url)) as connection:
                document = json.dumps(
                    {"accountId": server.account_id, "bucketName": f"bucket-{number}", "bucketType": "allPrivate"}
                )
                connection.request("POST", "/b2api/v3/b2_create_bucket", document, {"Authorization": token})
                connection.getresponse().read()
    until(lambda: server.exit_code() is not None, "the server goes on with a broken catalog")
    assert server.exit_code() == 74


# -- TLS --------------------------------------------------------------------------------------------------------------
def test_tls_is_spoken_on_both_addresses_and_announced(tls_server):
    assert tls_server.api_url.startswith("https://")
    assert tls_server.get("/readyz") == (200, b"ok\n")
    assert tls_server.get("/readyz", console=True) == (200, b"ok\n")


def test_plain_http_to_a_tls_port_gets_no_answer(tls_server):
    url = urlsplit(tls_server.api_url)
    with closing(socket.create_connection((url.hostname, url.port), timeout=10)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        with suppress(ConnectionResetError):
            assert not connection.recv(1000).startswith(b"HTTP")


def served_certificate(server) -> bytes:
    url = urlsplit(server.api_url)
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with (
        socket.create_connection((url.hostname, url.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=url.hostname) as connection,
    ):
        return connection.getpeercert(binary_form=True)


def test_hangup_loads_the_certificate_again_and_keeps_the_old_one_where_the_new_is_bad(
    make_server, certificates, tmp_path, tmp_path_factory
):
    other = make_certificates(tmp_path_factory.mktemp("other"))
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(certificates.cert_file, cert)
    shutil.copy(certificates.key_file, key)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(certificates.ca_file.read_bytes() + other.ca_file.read_bytes())
    server = make_server("--tls-cert", str(cert), "--tls-key", str(key), "--workers", "2", ca_file=trusted).start()
    before = served_certificate(server)
    children = server.children()
    until(lambda: '"serving"' in server.log_tail(), "not every process is ready")

    cert.write_text("nonsense")
    os.kill(server.pid, signal.SIGHUP)
    until(lambda: server.log_tail().count("tls_reload_failed") == 3, "the failure is not logged")
    assert served_certificate(server) == before

    shutil.copy(other.cert_file, cert)
    shutil.copy(other.key_file, key)
    os.kill(server.pid, signal.SIGHUP)
    until(lambda: server.log_tail().count("tls_reloaded") == 3, "the reload is not logged")
    assert all(served_certificate(server) != before for _ in range(6))
    assert [child.pid for child in server.children()] == [child.pid for child in children]
    server.stop()
