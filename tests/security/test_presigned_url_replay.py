"""Authentication bypass by capture-replay (CWE-294): what somebody can do with a presigned URL that was given to them."""

from __future__ import annotations

import pytest

from harness.hostile import as_request, converse
from harness.world import SECRET_CONTENT
from undercroft import limits

MISMATCH = (403, "SignatureDoesNotMatch")


@pytest.fixture(scope="module", autouse=True)
def nothing_changes(world):
    before = world.snapshot()
    yield
    assert world.snapshot() == before


@pytest.fixture(scope="module")
def target(world):
    return f"/{world.name}/in/file"


@pytest.fixture(scope="module")
def given(owner, target):
    """A URL to read one object, as somebody got it."""
    return owner.signer.presign("GET", target)


def test_it_does_what_it_was_given_for_and_again(nobody, given):
    for _ in range(2):
        assert nobody.send("GET", given).body == SECRET_CONTENT


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_it_is_for_its_own_method_alone(nobody, given, method):
    assert nobody.send(method, given, body=b"x" if method == "PUT" else b"").refusal == MISMATCH


def test_it_is_not_for_head(nobody, owner, target, given):
    assert nobody.send("HEAD", given).status == 403
    assert nobody.send("HEAD", owner.signer.presign("HEAD", target)).status == 200


def test_it_is_for_its_own_object_alone(nobody, world, given):
    path, _, query = given.partition("?")
    for other in (
        f"/{world.name}/in/hidden", f"/{world.name}/in/", f"/{world.name}/", f"/{world.name}", "/", f"{path}/", f"{path}%00",
        f"/{world.name}/in/../in/file", f"/{world.name}//in/file", f"//{world.name}/in/file", path.upper(),
    ):  # fmt: skip
        answer = nobody.send("GET", f"{other}?{query}")
        assert answer.refusal in {MISMATCH, (400, "InvalidBucketName")}, other


@pytest.mark.parametrize(
    "added",
    [
        "acl", "uploads", "versions", "delete", "versionId={file_id}", "uploadId={upload_id}", "partNumber=1", "list-type=2",
        "response-content-type=text%2Fhtml", "X-Amz-Acl=public-read", "x-amz-copy-source=b%2Fk", "prefix=", "x",
        "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD", "X-Amz-Security-Token=x",
    ],
)  # fmt: skip
def test_nothing_can_be_added_to_it(nobody, world, given, added):
    added = added.format(file_id=world.file_id, upload_id=world.upload_id)
    path, _, query = given.partition("?")
    for target in (f"{given}&{added}", f"{path}?{added}&{query}"):
        answer = nobody.send("GET", target)
        assert answer.refusal in {MISMATCH, (400, "InvalidToken"), (403, "AccessDenied")}, target


@pytest.mark.parametrize(
    "name",
    ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"],
)
def test_nothing_of_its_signature_can_be_left_out_doubled_or_changed(nobody, given, name):
    path, _, query = given.partition("?")
    items = query.split("&")
    mine = next(item for item in items if item.startswith(name + "="))
    others = [item for item in items if item is not mine]
    for changed in (
        others,
        [*others, mine, mine],
        [*others, mine + "0"],
        [*others, name],
        [*others, name + "="],
        [*others, f"{name}=%00"],
        [*others, mine.replace("=", "%3D")],
        [*others, mine.lower()],
    ):
        answer = nobody.send("GET", f"{path}?{'&'.join(changed)}")
        assert answer.refusal[0] in {400, 403}, changed
        assert answer.refusal[1] in {
            "AuthorizationQueryParametersError", "SignatureDoesNotMatch", "AccessDenied", "InvalidAccessKeyId",
        }, answer.body  # fmt: skip


def test_no_amz_header_can_be_added_to_it(nobody, given):
    for name in ("x-amz-acl", "x-amz-meta-a", "x-amz-copy-source", "X-AMZ-TAGGING"):
        assert nobody.send("GET", given, {name: "x"}).refusal == (403, "AccessDenied")


def test_it_is_for_its_own_host_alone(nobody, given):
    assert nobody.send("GET", given, {"Host": "localhost:1"}).refusal == MISMATCH
    assert nobody.send("GET", given, {"Host": "LOCALHOST"}).refusal == MISMATCH
    absolute = nobody.send("GET", f"http://127.0.0.1{given}", {"Host": "localhost"})
    assert absolute.refusal == MISMATCH  # The authority of the target is the host, whatever the header says.


def test_it_ends_and_cannot_be_made_to_last(nobody, owner, target):
    assert nobody.send("GET", owner.signer.presign("GET", target, expires_s=60, age_s=61)).refusal == (
        403,
        "AccessDenied",
    )
    assert nobody.send("GET", owner.signer.presign("GET", target, expires_s=60, age_s=50)).status == 200
    stretched = owner.signer.presign("GET", target, expires_s=60, age_s=61).replace("Expires=60", "Expires=600")
    assert nobody.send("GET", stretched).refusal == MISMATCH
    week = limits.PRESIGN_VALID_MAX_S
    assert nobody.send("GET", owner.signer.presign("GET", target, expires_s=week, age_s=week - 10)).status == 200
    for expires in (week + 1, -1, 0, "1e3", "", "٣", "9" * 5000, "60.0", " 60", "0x3c", "NaN"):
        answer = nobody.send("GET", owner.signer.presign("GET", target, expires_s=expires))
        assert answer.refusal[0] in {400, 403}, expires


def test_it_is_not_valid_before_its_time(nobody, owner, target):
    ahead = limits.CLOCK_SKEW_MAX_S + 10
    assert nobody.send("GET", owner.signer.presign("GET", target, age_s=-ahead)).refusal == (403, "AccessDenied")


def test_it_carries_the_rights_of_its_key_and_no_more(nobody, owner, world, target):
    writer = owner.restricted(["writeFiles"], namePrefix="out/")
    assert nobody.send("GET", writer.signer.presign("GET", target)).refusal == (403, "AccessDenied")
    assert nobody.send("PUT", writer.signer.presign("PUT", target), body=b"x").refusal == (403, "AccessDenied")
    copying = writer.signer.presign("PUT", f"/{world.name}/out/x?X-Amz-Copy-Source={world.name}%2Fin%2Ffile")
    assert nobody.send("PUT", copying).refusal == (403, "AccessDenied")


def test_what_its_query_says_as_a_header_is_judged_as_a_header(nobody, owner, world):
    acl = owner.signer.presign("PUT", f"/{world.name}/in/file?x-amz-acl=public-read")
    assert nobody.send("PUT", acl, body=b"x").refusal == (400, "InvalidArgument")
    for value in ("a%0d%0aSet-Cookie:%20a=b", "%00", "%7f", "a%0a"):
        split = owner.signer.presign("PUT", f"/{world.name}/in/file?x-amz-meta-a={value}")
        assert nobody.send("PUT", split, body=b"x").refusal == (400, "InvalidArgument")


def test_it_is_no_key_to_the_native_face(nobody, world, given):
    query = given.partition("?")[2]
    assert nobody.send("GET", f"/file/{world.name}/in/file?{query}").refusal == (401, "unauthorized")


def test_a_captured_request_cannot_be_followed_by_another_on_its_connection(server, nobody, world, given):
    follower = as_request("GET", f"/{world.name}/in/hidden", {"Connection": "close"})
    first, second = converse(server, as_request("GET", given) + follower)
    assert first.body == SECRET_CONTENT
    assert second.refusal == (403, "AccessDenied")
