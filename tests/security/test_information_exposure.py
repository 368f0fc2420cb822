"""Secrets in logs and errors (CWE-532, CWE-209), in storage (CWE-312), and files with careless modes (CWE-732) (P8)."""

from __future__ import annotations

import base64
import os
import stat
import time
from urllib.parse import quote

import pytest

from harness.hostile import Client, as_request, converse
from harness.server import Server, ServerFailed
from harness.world import SECRET_CONTENT, build_world
from undercroft.store.operations import ALL_CAPABILITIES

PASSWORD = "a password that nobody may see"


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """A server of this module's own, in a directory that others may look into, under a careless umask."""
    folder = tmp_path_factory.mktemp("exposed")
    (folder / "data").mkdir(mode=0o755)
    before = os.umask(0)
    try:
        running = Server(folder / "data", environment={"UNDERCROFT_BOOTSTRAP_PASSWORD": PASSWORD}).start()
    finally:
        os.umask(before)
    yield running
    if running.is_started:
        running.kill()


@pytest.fixture(scope="module")
def secrets(installation):
    """Every secret that the server has met after an hour of mistakes, and the answers it gave, which must have none of them."""
    owner = Client(installation, installation.key_id, installation.application_key)
    made = owner.ok(
        "b2_create_bucket", accountId=owner.account_id, bucketName="exposed-bucket", bucketType="allPrivate"
    )
    world = build_world(owner, "exposed-bucket", made["bucketId"])
    other = owner.restricted(ALL_CAPABILITIES)
    grant = owner.ok(
        "b2_get_download_authorization", bucketId=world.bucket_id, fileNamePrefix="", validDurationInSeconds=60
    )["authorizationToken"]
    upload = owner.ok("b2_get_upload_url", bucketId=world.bucket_id)
    secrets = {
        "application key": owner.secret,
        "another application key": other.secret,
        "master application key": installation.master_application_key,
        "account token": owner.token,
        "grant": grant,
        "upload token": upload["authorizationToken"],
        "password": PASSWORD,
        "master key": (installation.data_dir / "master.key").read_text().strip(),
        "basic credentials": base64.b64encode(f"{owner.key_id}:{owner.secret}".encode()).decode(),
    }
    answers = []
    for secret in secrets.values():
        encoded = quote(secret, safe="")
        signed = owner.signer.headers("GET", "/exposed-bucket/x", {"x-amz-meta-note": "plain"})
        answers += [
            # A secret where it belongs, in a request that fails for another reason.
            owner.native("b2_get_file_info", token=secret, fileId="x"),
            owner.send("GET", "/file/exposed-bucket/none", {"Authorization": secret}),
            owner.send("GET", f"/file/exposed-bucket/none?Authorization={encoded}"),
            owner.send("GET", "/b2api/v4/b2_authorize_account", {"Authorization": f"Basic {secret}x"}),
            owner.send("GET", "/exposed-bucket/x", {"Authorization": f"AWS {owner.key_id}:{secret}"}),
            owner.send("GET", "/exposed-bucket/x", {"Authorization": f"Bearer {secret}"}),
            owner.send("GET", f"/exposed-bucket/x?AWSAccessKeyId=x&Signature={encoded}"),
            owner.upload(upload, b"x", {"X-Bz-Content-Sha1": "wrong"}, token=secret),
            # And in places where it does not.
            owner.send("PUT", "/exposed-bucket/x", {**signed, "x-amz-server-side-encryption-customer-key": secret}),
            owner.s3("PUT", "/exposed-bucket/x", {"x-amz-server-side-encryption-customer-key": secret}),
            owner.s3("GET", "/exposed-bucket/x", {"x-amz-security-token": secret}),
        ]
        wrong = Client(installation, owner.key_id, secret[::-1])
        answers += [wrong.s3("GET", "/exposed-bucket/in/file"), wrong.authorize()]
        converse(installation, as_request("GET", "/x", {"Authorization": secret, "Content-Length": "x"}))
        converse(installation, b"\x16\x03" + secret.encode() + b"\r\n\r\n")
    # Failures of the storage itself, of which the log tells.
    big = owner.s3("PUT", "/exposed-bucket/big", body=SECRET_CONTENT * 20_000).headers["x-amz-version-id"]
    for blob in [path for path in (installation.data_dir / "blobs").rglob("*") if path.is_file()]:
        with blob.open("r+b") as file:
            file.seek(500)
            file.write(b"\xff" * 64)
    answers += [
        owner.s3("GET", "/exposed-bucket/big"),
        owner.send("GET", "/file/exposed-bucket/big", {"Authorization": owner.token}),
        owner.send("GET", f"/file/exposed-bucket/big?Authorization={quote(grant)}"),
        owner.s3(
            "PUT",
            "/exposed-bucket/copy",
            {"x-amz-copy-source": "exposed-bucket/big", "x-amz-checksum-algorithm": "SHA256"},
        ),
    ]
    assert [answer.status for answer in answers[-4:]] == [500] * 4
    assert big
    return secrets, answers


def test_no_answer_has_a_secret_in_it(secrets):
    known, answers = secrets
    for answer in answers:
        said = answer.body + repr(answer.header_list).encode()
        for name, secret in known.items():
            assert secret.encode() not in said, (name, said[:500])
        assert SECRET_CONTENT not in answer.body
        assert answer.status >= 400


def test_no_error_tells_of_the_machine(installation, secrets):
    for answer in secrets[1]:
        for telling in (b"Traceback", b"/undercroft/", b".py", str(installation.data_dir).encode(), b"sqlite", b"apsw"):
            assert telling not in answer.body, answer.body


def test_failures_of_the_storage_are_told_by_an_id_that_the_log_has(installation, secrets):
    log = installation.log_file.read_text()
    s3, native = secrets[1][-4], secrets[1][-3]
    assert s3.error == "InternalError"
    assert native.error == "internal_error"
    assert native.json["message"].removeprefix("incident id ") in log


def test_the_log_has_no_secret_in_it(installation, secrets):
    log = installation.log_file.read_text()
    assert "error" in log  # The failures above are there.
    for name, secret in secrets[0].items():
        for form in {secret, quote(secret, safe=""), secret[:-4], base64.b64encode(secret.encode()).decode()}:
            assert form not in log, name
    assert SECRET_CONTENT.decode() not in log


def test_the_process_list_and_the_environment_have_no_secret_in_them(installation, secrets):
    for process in installation.children():
        command = " ".join(process.cmdline())
        for name, secret in secrets[0].items():
            assert secret not in command, name
    assert all(
        "UNDERCROFT_BOOTSTRAP_PASSWORD" not in " ".join(process.cmdline()) for process in installation.children()
    )


def test_the_catalog_has_secrets_only_wrapped(installation, secrets):
    stored = b"".join(path.read_bytes() for path in installation.data_dir.glob("catalog*") if path.is_file())
    assert b"exposed-bucket" in stored
    for name, secret in secrets[0].items():
        assert secret.encode() not in stored, name


def test_metrics_name_nothing_of_the_clients(installation, secrets):
    deadline = time.monotonic() + 10
    while b'operation="GetObject"' not in (page := installation.get("/metrics", console=True)[1]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for word in ("exposed-bucket", "in/file", *secrets[0].values()):
        assert word.encode() not in page


def test_files_are_for_the_server_alone_even_under_a_careless_umask(installation, secrets):
    for path in installation.data_dir.rglob("*"):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), (path.relative_to(installation.data_dir), oct(mode))


def test_a_master_key_that_others_can_read_is_refused(make_server):
    running = make_server("--workers", "1").start()
    running.stop()
    (running.data_dir / "master.key").chmod(0o640)
    with pytest.raises(ServerFailed, match="must not be readable by others"):
        running.start()


def test_an_unknown_key_takes_as_long_as_a_wrong_secret(owner):
    """The medians of many are compared, with room for a busy machine: what is to be found is a step left out."""
    unknown = Client(owner.server, owner.key_id[:-4] + "ffff", owner.secret)
    wrong = Client(owner.server, owner.key_id, owner.secret[::-1])
    taken = {"unknown": [], "wrong": []}
    for _ in range(60):
        for name, client in (("unknown", unknown), ("wrong", wrong)):
            began = time.perf_counter()
            client.s3("GET", "/")
            taken[name].append(time.perf_counter() - began)
    medians = {name: sorted(times)[len(times) // 2] for name, times in taken.items()}
    assert 0.4 < medians["unknown"] / medians["wrong"] < 2.5, medians
