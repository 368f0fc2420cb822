"""Snapshots under attack (CWE-284, CWE-22, CWE-400): who writes where nobody may, what a zip is made to hold, and what is left.

What the store itself does is asked of a store; who may do what, of a server with all its faces.
"""

from __future__ import annotations

import asyncio
import re
import zipfile
from collections import Counter

import pytest

from harness.asynchronous import asynchronous
from harness.console_forms import Browser
from harness.customer_keys import KEY
from harness.hostile import Client
from harness.jobs import begin
from harness.snapshots import opened, work
from harness.stores import open_bench
from undercroft import limits
from undercroft.console.page import Who
from undercroft.console.sections import PAGES
from undercroft.store import errors
from undercroft.store.files.archive import NOTE, Archive
from undercroft.store.identity.principals import Principal
from undercroft.store.model import NewFile
from undercroft.store.work.jobs.model import Snapshot, State

LARGE = bytes(range(256)) * 8192  # 2 MiB.


async def left(bench):
    """All that is in the account's bucket of snapshots, unfinished or not."""
    bucket = await bench.store.snapshots.bucket(bench.principal)
    assert bucket is not None
    return (await bench.store.files.list_versions(bench.principal, bucket, limit=99)).rows + (
        await bench.store.files.list_unfinished(bench.principal, bucket, limit=99)
    )[0]


async def packed(bench, asked):
    """The zip of a snapshot."""
    job = await work(bench, await begin(bench, asked))
    assert job.state is State.DONE, job.reason
    [one] = await bench.store.snapshots.list(bench.principal)
    return await opened(bench, one)


@asynchronous
async def test_a_snapshot_on_a_full_disk_pauses_and_does_not_fill_it_again_and_again(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        job = await begin(bench, Snapshot("", ("",)))
        upload_part, tries = bench.store.files.upload_part, []

        async def full(*_arguments):
            tries.append(1)
            raise errors.StorageFull("The storage is full.")

        with monkeypatch.context() as patch:
            patch.setattr(bench.store.files, "upload_part", full)
            for _ in range(3):
                job = await work(bench, job)
        assert (job.state, job.reason, len(tries)) == (State.PAUSED, "The storage is full.", 1)
        assert await left(bench) == []
        assert bench.store.files.upload_part == upload_part
        await bench.store.jobs.resume(bench.principal, job.job_id)
        assert (await work(bench, job)).state is State.DONE


@asynchronous
@pytest.mark.parametrize("end", ["key", "account", "bucket"])
async def test_nothing_is_left_where_nobody_may_delete_when_rights_end_in_the_middle(tmp_path, monkeypatch, end):
    monkeypatch.setattr(limits, "SNAPSHOT_PART_BYTES", 6_000_000)
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        versions = [await bench.put(str(number), LARGE) for number in range(5)]
        owner = bench.principal
        bench.principal = Principal.of_key(await identity.keys.create(owner, "k", owner.key.capabilities))
        await begin(bench, Snapshot("", ("",)))
        upload_part = bench.store.files.upload_part

        async def stop(principal, bucket, large, number, body):
            part = await upload_part(principal, bucket, large, number, body)
            if number == 1 and end == "key":
                await identity.keys.delete(owner, bench.principal.key_id)
            elif number == 1 and end == "account":
                await identity.accounts.set_suspended("owner@example.com", True)
            elif number == 1:
                for version in versions:
                    await bench.store.files.delete_version(owner, bench.bucket, version.name, str(version.file_id))
                await bench.store.buckets.delete(owner, bench.bucket.bucket_id)
            return part

        monkeypatch.setattr(bench.store.files, "upload_part", stop)
        await bench.store.work.snapshots.run()
        await bench.store.work.snapshots.finish_turns()
        if end == "account":
            await identity.accounts.set_suspended("owner@example.com", False)
        bench.principal = owner
        assert await left(bench) == []


@asynchronous
async def test_a_snapshot_that_is_canceled_as_its_last_part_is_stored_is_none(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        job = await begin(bench, Snapshot("", ("",)))
        finish = bench.store.files.finish_s3

        async def canceled(*arguments, **options):
            await bench.store.jobs.cancel(bench.principal, job.job_id)
            return await finish(*arguments, **options)

        monkeypatch.setattr(bench.store.files, "finish_s3", canceled)
        assert (await work(bench, job)).state is State.CANCELED
        assert await left(bench) == []


@asynchronous
async def test_pauses_and_resumptions_at_any_moment_make_one_snapshot(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SNAPSHOT_PART_BYTES", 6_000_000)
    async with open_bench(tmp_path) as bench:
        for number in range(5):
            await bench.put(str(number), LARGE)
        job = await begin(bench, Snapshot("", ("",)))
        jobs = bench.store.jobs
        for name in ("start_large_file", "upload_part", "finish_s3"):
            original, done = getattr(bench.store.files, name), []

            async def wavering(*arguments, original=original, done=done, **options):
                if not done:
                    done.append(1)
                    await jobs.pause(bench.principal, job.job_id)
                    await jobs.resume(bench.principal, job.job_id)
                return await original(*arguments, **options)

            monkeypatch.setattr(bench.store.files, name, wavering)
        for _ in range(6):
            await work(bench, job)
        assert (await jobs.find(bench.principal, job.job_id)).state is State.DONE
        assert len(await left(bench)) == 1


@asynchronous
async def test_however_often_something_is_chosen_it_is_packed_once(tmp_path):
    """Else a thousand names would make a thousand copies of everything."""
    async with open_bench(tmp_path) as bench:
        for name in ("in/a", "in/b/c", "in/b/d", "in/bc"):
            await bench.put(name)
        chosen = ("in/b/", "in/a", "in/", "in/b/c", "in/a", "in/b/", "in/b")
        assert sorted((await packed(bench, Snapshot("in/", chosen))).namelist()) == ["a", "b/c", "b/d", "bc"]
        counted = await bench.store.files.contents_of_selection(bench.principal, bench.bucket, chosen)
        assert counted.visible == 4
        counted = await bench.store.files.contents_of_selection(bench.principal, bench.bucket, ["", *chosen])
        assert (counted.visible, counted.following) == (4, None)


@asynchronous
async def test_no_file_takes_the_path_of_another_or_of_the_note(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.put("a:b")
        mark = zipfile.Path(await packed(bench, Snapshot("", ("a:b",)))).root.namelist()[0]
        for one in await bench.store.snapshots.list(bench.principal):
            await bench.store.snapshots.delete(bench.principal, str(one.version.file_id))
        names = [
            "a:b",
            mark,
            f"{mark}~00000000",
            NOTE,
            NOTE.lower(),
            f"{NOTE}~00000000",
            "a\\b",
            "a_b",
            "x/",
            "x//",
            "x/ ",
        ]
        for name in names:
            await bench.put(name, name.encode())
        await bench.put("secret", new=NewFile("a/b", encryption=KEY.store))
        made = await packed(bench, Snapshot("", ("",)))
        paths = Counter(path.casefold() for path in made.namelist())
        assert max(paths.values()) == 1, paths
        assert len(paths) == len(names) + 1
        assert "secret: it is encrypted" in made.read(NOTE).decode()
        assert made.read("a_b") == b"a_b"


@asynchronous
@pytest.mark.parametrize(
    ("limit", "most"), [("ZIP_PATHS_MAX_BYTES", 2000), ("ZIP_LOOKED_AT_MAX", 2), ("ZIP_FILES_MAX", 2)]
)
async def test_the_directory_of_a_zip_is_bounded_by_paths_and_by_what_is_looked_at(tmp_path, monkeypatch, limit, most):
    monkeypatch.setattr(limits, limit, most)
    async with open_bench(tmp_path) as bench:
        for number in range(5):
            await bench.put(f"{number}{'x' * 999}")
        made = await packed(bench, Snapshot("", ("",)))
        assert len(made.namelist()) == 3
        assert made.namelist()[-1] == NOTE


@asynchronous
async def test_files_that_are_left_out_do_not_keep_a_zip_looking_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "ZIP_LOOKED_AT_MAX", 10)
    async with open_bench(tmp_path) as bench:
        for number in range(15):
            await bench.put(f"{number:02}", new=NewFile("a/b", encryption=KEY.store))
        archive = Archive(bench.store.files, bench.principal, bench.bucket, "", [""])
        await archive.begin()
        blocks = [block async for block in archive.blocks()]
        await archive.close()
        assert blocks
        assert archive.left_out == 11


@asynchronous
async def test_many_jobs_of_one_account_leave_room_for_those_of_others(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        await bench.put("a")
        for _ in range(limits.JOBS_UNENDED_PER_ACCOUNT):
            await begin(bench, Snapshot("", ("",)))
        with pytest.raises(errors.TooManyJobs):
            await begin(bench, Snapshot("", ("",)))
        account = await bench.store.identity.accounts.create("other@example.com", "a long password")
        bench.principal = principal = Principal.of_key(account.key)
        bench.bucket = await bench.store.buckets.create(principal, "other-bucket", "allPrivate")
        await bench.put("b")
        job = await begin(bench, Snapshot("", ("",)))
        stuck, done = asyncio.Event(), asyncio.Event()
        upload_part, hands = bench.store.files.upload_part, bench.store.work.snapshots._hands
        move = hands.move

        async def slow(service, *arguments):
            if service.account_id != principal.account_id:
                await stuck.wait()
            return await upload_part(service, *arguments)

        async def moved(row, tally, place):
            after = await move(row, tally, place)
            if place is None:
                done.set()
            return after

        monkeypatch.setattr(bench.store.files, "upload_part", slow)
        monkeypatch.setattr(hands, "move", moved)
        await bench.store.work.snapshots.run()
        await asyncio.wait_for(done.wait(), 60)
        await bench.store.work.snapshots.stop()
        assert (await bench.store.jobs.find(principal, job.job_id)).state is State.DONE


# -- Through the faces ------------------------------------------------------------------------------------------------
class Keeper:
    """Somebody who keeps a snapshot, with every right that an account has."""

    def __init__(self, server, name):
        made = server.create_account(f"{name}@example.com")
        self.api = Client(server, made["keyId"], made["applicationKey"])
        self.browser = Browser(server)
        assert self.browser.sign_in(f"{name}@example.com").status_code == 303
        self.token = self.browser.token("/buckets")
        self.own = name
        made = self.api.ok("b2_create_bucket", accountId=self.api.account_id, bucketName=name, bucketType="allPrivate")
        self.own_id = made["bucketId"]
        self.file_id = self.api.s3("PUT", f"/{name}/in/file", body=b"x").headers["x-amz-version-id"]
        form = {"prefix": "", "days": "kept"}
        assert self.browser.post(f"/buckets/{name}/snapshot", form, token=self.token).status_code == 303
        self.snapshot_id = self.browser.until("/snapshots", r"/snapshots/([^/]+)/delete")[1]
        self.name = f"b2-snapshot-{self.api.account_id}"
        [bucket] = self.api.ok("b2_list_buckets", accountId=self.api.account_id, bucketName=self.name)["buckets"]
        self.bucket_id = bucket["bucketId"]
        [file] = self.api.ok("b2_list_file_names", bucketId=self.bucket_id)["files"]
        self.file = file["fileName"]

    def state(self):
        """All that could change of the bucket of snapshots."""
        return (
            self.api.ok("b2_list_file_versions", bucketId=self.bucket_id, maxFileCount=1000),
            self.api.ok("b2_list_unfinished_large_files", bucketId=self.bucket_id),
            self.api.ok("b2_list_buckets", accountId=self.api.account_id, bucketId=self.bucket_id),
            self.api.s3("GET", f"/{self.name}?logging").texts("TargetBucket"),
        )


@pytest.fixture(scope="module")
def keeper(server, new_name):
    return Keeper(server, new_name("keeper"))


@pytest.fixture(autouse=True)
def nothing_changes(request):
    """Holds the bucket of snapshots after an attack against what it was before."""
    if "keeper" not in request.fixturenames:
        yield
        return
    keeper = request.getfixturevalue("keeper")
    before = keeper.state()
    yield
    assert keeper.state() == before


def test_no_native_call_changes_a_bucket_of_snapshots(keeper):
    api, bucket = keeper.api, {"bucketId": keeper.bucket_id}
    update = {"accountId": api.account_id, **bucket}
    own_large = api.ok("b2_start_large_file", bucketId=keeper.own_id, fileName="l", contentType="a/b")["fileId"]
    rule = {
        "name": "rule", "eventTypes": ["b2:ObjectCreated:*"], "isEnabled": True, "objectNamePrefix": "",
        "targetConfiguration": {"targetType": "webhook", "url": "https://example.com/"},
    }  # fmt: skip
    source = {
        "asReplicationSource": {
            "replicationRules": [
                {
                    "destinationBucketId": keeper.own_id, "fileNamePrefix": "", "includeExistingFiles": True, "isEnabled": True,
                    "priority": 1, "replicationRuleName": "rule",
                }
            ],
            "sourceApplicationKeyId": api.key_id,
        },
    }  # fmt: skip
    destination = {"asReplicationDestination": {"sourceToDestinationKeyMapping": {api.key_id: api.key_id}}}
    retention = {"mode": "governance", "retainUntilTimestamp": 4_000_000_000_000}
    version = {"fileName": keeper.file, "fileId": keeper.snapshot_id}
    for call, fields in [
        ("b2_get_upload_url", bucket),
        ("b2_start_large_file", {**bucket, "fileName": "x", "contentType": "a/b"}),
        ("b2_get_upload_part_url", {"fileId": keeper.snapshot_id}),
        ("b2_finish_large_file", {"fileId": keeper.snapshot_id, "partSha1Array": ["0" * 40]}),
        ("b2_cancel_large_file", {"fileId": keeper.snapshot_id}),
        ("b2_copy_file", {"sourceFileId": keeper.file_id, "fileName": "x", "destinationBucketId": keeper.bucket_id}),
        ("b2_hide_file", {**bucket, "fileName": keeper.file}),
        ("b2_delete_file_version", version),
        ("b2_delete_file_version", {**version, "bypassGovernance": True}),
        ("b2_update_file_legal_hold", {**version, "legalHold": "on"}),
        ("b2_update_file_retention", {**version, "fileRetention": retention}),
        ("b2_set_bucket_notification_rules", {**bucket, "eventNotificationRules": [rule]}),
        ("b2_delete_bucket", update),
        *(
            ("b2_update_bucket", {**update, **change})
            for change in (
                {"bucketType": "allPublic"}, {"bucketType": "allPrivate"}, {"bucketInfo": {"a": "b"}}, {"lifecycleRules": []}, {"corsRules": []},
                {"fileLockEnabled": True}, {"defaultServerSideEncryption": {"mode": "none"}}, {"replicationConfiguration": source},
                {"replicationConfiguration": destination}, {"defaultRetention": {"mode": "compliance", "period": {"duration": 1, "unit": "days"}}},
            )
        ),
    ]:  # fmt: skip
        assert api.native(call, **fields).refusal[0] in (400, 401, 403), (call, fields)
    for kind in ("snapshot", "restricted"):
        made = {"accountId": api.account_id, "bucketType": kind}
        assert api.native("b2_create_bucket", bucketName="made-by-hand", **made).refusal[0] == 400
        own = {"bucketId": keeper.own_id, **made}
        assert api.native("b2_update_bucket", **own).refusal[0] == 400
    for name in (keeper.name, f"b2-snapshot-{'0' * 12}", "B2-Snapshot-x"):
        fields = {"accountId": api.account_id, "bucketName": name, "bucketType": "allPublic"}
        assert api.native("b2_create_bucket", **fields).refusal[0] == 400
    api.ok("b2_cancel_large_file", fileId=own_large)


def test_no_s3_operation_changes_a_bucket_of_snapshots(keeper):
    api, bucket, file = keeper.api, f"/{keeper.name}", f"/{keeper.name}/{keeper.file}"
    logging = (
        f"<BucketLoggingStatus><LoggingEnabled><TargetBucket>{keeper.name}</TargetBucket><TargetPrefix>l/</TargetPrefix>"
        "</LoggingEnabled></BucketLoggingStatus>"
    ).encode()
    cors = (
        b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"
        b"</CORSConfiguration>"
    )
    rules = (
        b"<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><Expiration>"
        b"<Days>1</Days></Expiration></Rule></LifecycleConfiguration>"
    )
    encryption = (
        b"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
        b"</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
    )
    copied = {"x-amz-copy-source": f"/{keeper.own}/in/file"}
    retention = b"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate></Retention>"
    delete = f"<Delete><Object><Key>{keeper.file}</Key><VersionId>{keeper.snapshot_id}</VersionId></Object></Delete>"
    lock = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
    for method, target, headers, body in [
        ("PUT", f"{bucket}/x", {}, b"x"),
        ("PUT", file, {}, b"x"),
        ("PUT", f"{bucket}/x", copied, b""),
        ("POST", f"{bucket}/x?uploads", {}, b""),
        ("DELETE", file, {}, b""),
        ("DELETE", f"{file}?versionId={keeper.snapshot_id}", {}, b""),
        ("DELETE", f"{file}?versionId={keeper.snapshot_id}", {"x-amz-bypass-governance-retention": "true"}, b""),
        ("DELETE", f"{file}?uploadId={keeper.snapshot_id}", {}, b""),
        ("DELETE", bucket, {}, b""),
        ("DELETE", f"{bucket}?cors", {}, b""),
        ("DELETE", f"{bucket}?encryption", {}, b""),
        ("PUT", bucket, {}, b""),
        ("PUT", f"{bucket}?acl", {"x-amz-acl": "public-read"}, b""),
        ("PUT", f"{bucket}?logging", {}, logging),
        ("PUT", f"/{keeper.own}?logging", {}, logging),
        ("PUT", f"{bucket}?cors", {}, cors),
        ("PUT", f"{bucket}?lifecycle", {}, rules),
        ("PUT", f"{bucket}?encryption", {}, encryption),
        ("PUT", f"{bucket}?object-lock", {}, lock),
        ("PUT", f"{file}?retention", {}, retention),
        ("PUT", f"{file}?legal-hold", {}, b"<LegalHold><Status>ON</Status></LegalHold>"),
    ]:
        answer = api.s3(method, target, headers, body)
        assert answer.status in (400, 403, 409, 501), (method, target, answer.body)
    answer = api.s3("POST", f"{bucket}?delete", body=delete.encode())
    assert answer.status != 200 or answer.texts("Code"), answer.body


OF_BUCKETS = [
    page
    for page in PAGES
    if page.method == "POST" and page.path.startswith("/buckets/{name}") and page.who is not Who.ANYBODY
]


def test_no_form_of_the_console_changes_a_bucket_of_snapshots(keeper):
    fields = {
        "id": keeper.snapshot_id, "confirm": keeper.name, "choose": f"name:{keeper.file}", "prefix": "", "path": "in/other", "bucket": keeper.own,
        "type": "allPublic", "encryption": "disable", "choice": "last", "revision": "2", "mode": "none", "hold": "on", "at": "2020-01-01T00:00",
        "way": "purge", "target_bucket": keeper.bucket_id, "target": "there/", "folder": "f", "name": "f", "url": "https://example.com/",
        "event": "b2:ObjectCreated:*", "batch": "1", "kind": "direct", "expiry": "3600", "days": "7", "storage": "1", "how": "all",
        "files": "0", "lock": "enable", "logging": "enable", "destination": keeper.own, "text": "a",
    }  # fmt: skip
    before = keeper.state()
    for page in OF_BUCKETS:
        path = re.sub(r"\{rule(?::\w+)?\}", "rule", page.path.replace("{name}", keeper.name))
        answer = keeper.browser.post(path, fields, token=keeper.token)
        assert answer.status_code < 500, (path, answer.text)
        assert keeper.state() == before, path


def test_no_job_or_rule_of_another_bucket_leads_into_a_bucket_of_snapshots(keeper):
    own, post = f"/buckets/{keeper.own}", lambda path, **fields: keeper.browser.post(path, fields, token=keeper.token)
    for answer in (
        post(
            f"{own}/transfer", target_bucket=keeper.bucket_id, bucket=keeper.name, target="x/", prefix="in/", way="copy"
        ),
        post(f"{own}/logs", logging="enable", destination=keeper.name, prefix="l/"),
        post("/replication/new", rule="r", source=keeper.own_id, destination=keeper.bucket_id),
        post("/replication/new", rule="r", source=keeper.bucket_id, destination=keeper.own_id),
    ):
        assert answer.status_code in (400, 403, 404, 409, 422), (answer.request.body, answer.headers)


def test_a_key_of_one_bucket_reaches_no_snapshot_of_it(keeper):
    api = keeper.api
    every = ["listBuckets", "listFiles", "readFiles", "shareFiles", "writeFiles", "deleteFiles"]
    for restricted in (
        api.restricted(every, bucketIds=[keeper.own_id]),
        api.restricted(every, bucketIds=[keeper.own_id], namePrefix="in/"),
    ):
        for call, fields in {
            "b2_list_file_names": {"bucketId": keeper.bucket_id},
            "b2_list_file_versions": {"bucketId": keeper.bucket_id},
            "b2_list_unfinished_large_files": {"bucketId": keeper.bucket_id},
            "b2_get_file_info": {"fileId": keeper.snapshot_id},
            "b2_get_download_authorization": {
                "bucketId": keeper.bucket_id, "fileNamePrefix": "", "validDurationInSeconds": 60,
            },
            "b2_copy_file": {"sourceFileId": keeper.snapshot_id, "fileName": "in/x", "destinationBucketId": keeper.own_id},
        }.items():  # fmt: skip
            assert restricted.native(call, **fields).refusal[0] == 401, call
        for target in (f"/{keeper.name}/{keeper.file}", f"/{keeper.name}?list-type=2"):
            assert restricted.s3("GET", target).refusal == (403, "AccessDenied")
