"""File Details, previews and share links (console reference, T61 to T67)."""

from __future__ import annotations

import base64
import http.client
import re
import struct
import zlib
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import expect

from harness.clients import boto3_client
from harness.customer_keys import KEY, OTHER_KEY
from harness.processes import wait_until

ORDER = [
    "Name", "Bucket Name", "Bucket Type", "Friendly URL", "S3 URL", "Native URL", "Kind", "Size", "Uploaded", "Fguid", "Sha1", "File Info",
    "Encryption",
]  # fmt: skip
MTIME_MS = 1_763_900_000_000

# A film of a quarter of a second, as this browser records it.
_FILM = """async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
    const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: "video/webm" });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const stopped = new Promise((done) => { recorder.onstop = done; });
    recorder.start();
    for (let frame = 0; frame < 15; frame += 1) {
        canvas.getContext("2d").fillRect(frame, frame, 20, 20);
        await new Promise((done) => requestAnimationFrame(done));
    }
    recorder.stop();
    await stopped;
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
}"""
# Its size, once it has played a while.
_PLAYED = """async (video) => {
    video.muted = true;
    const moved = new Promise((done) => { video.ontimeupdate = () => video.currentTime > 0 && done(); });
    await video.play();
    await moved;
    return [video.videoWidth, video.videoHeight];
}"""
# The colour in the middle of a picture.
_MIDDLE = """async (address) => {
    const image = Object.assign(new Image(), { src: address });
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return [...context.getImageData(image.width / 2, image.height / 2, 1, 1).data].slice(0, 3);
}"""


def _png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" + b"\xff" * 6) * 1)
        + chunk(b"IEND", b"")
    )


def _details(files) -> dict[str, str]:
    """The fields of the page by their names, in their order."""
    pairs = files.console.page.locator("[data-details]")
    names = pairs.locator("dt").all_inner_texts()
    values = [value.strip() for value in pairs.locator("dd").all_inner_texts()]
    return dict(zip(names, values, strict=True))


def test_t61_the_fields_of_file_details_are_those_of_the_founding_document_in_its_order(files):
    version = files.put("in/kitten.txt", b"x" * 79_571, ContentType="text/x-kitten")
    files.open("in/")
    files.console.page.get_by_label("File Details of kitten.txt").click()
    expect(files.console.page.get_by_role("heading", name="File Details")).to_be_visible()
    details = _details(files)
    assert list(details)[: len(ORDER)] == ORDER
    assert details["Name"] == "in/kitten.txt"
    assert (details["Bucket Name"], details["Bucket Type"]) == (files.name, "Private")
    assert details["Kind"] == "text/x-kitten"
    assert details["Size"] == "79.6 KB (79,571 bytes)"
    assert details["Fguid"] == version
    assert details["Encryption"] == "SSE-B2"
    assert re.fullmatch(r"[0-9a-f]{40}", details["Sha1"])


def test_t62_the_fguid_is_the_file_id_of_the_native_url(files):
    files.open_file(files.put("a.txt"))
    details = _details(files)
    assert parse_qs(urlsplit(details["Native URL"]).query)["fileId"] == [details["Fguid"]]


def test_t63_all_three_urls_give_the_same_bytes_of_a_public_bucket_and_refuse_those_of_a_private_one(files):
    version = files.put("in/a file.txt", b"the bytes", ContentType="text/plain")
    page = files.console.page
    for is_public in (False, True):
        if is_public:
            files.publish()
        files.open_file(version)
        addresses = [value for name, value in _details(files).items() if name.endswith("URL")]
        assert len(addresses) == 3
        for address in addresses:
            answer = page.goto(address)
            if is_public:
                assert (answer.status, answer.body()) == (200, b"the bytes"), address
            else:
                assert answer.status in (401, 403), address
    files.open_file(version)
    expect(page.locator("[data-details]").get_by_role("link")).to_have_count(3)


def test_t64_and_t65_file_info_is_shown_with_a_readable_time_and_is_in_the_headers_of_the_s3_url(files):
    files.publish()
    version = files.put("a.txt", Metadata={"src_last_modified_millis": str(MTIME_MS)})
    files.open_file(version)
    details = _details(files)
    expected = datetime.fromtimestamp(MTIME_MS / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    assert re.sub(r"\s+", " ", details["File Info"]) == f"src_last_modified_millis {MTIME_MS} {expected}"
    address = urlsplit(details["S3 URL"])
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=30)
    connection.request("HEAD", address.path, headers={"Host": address.netloc})
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["x-amz-meta-src_last_modified_millis"] == str(MTIME_MS)
    assert answer.headers["x-amz-version-id"] == details["Fguid"]
    connection.close()


def test_the_copy_buttons_copy_just_the_value(files):
    files.open_file(files.put("a.txt"))
    files.console.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    details = _details(files)
    for label in ("Friendly URL", "S3 URL", "Native URL", "Fguid", "Sha1"):
        files.console.page.get_by_label(f"Copy {label}").click()
        assert files.console.page.evaluate("navigator.clipboard.readText()") == details[label]


def test_t66_images_and_texts_are_shown_and_media_come_from_the_api_address(files, server):
    page = files.console.page
    files.open_file(files.put("a.png", _png(), ContentType="image/png"))
    image = page.locator(".preview img")
    expect(image).to_be_visible()
    assert image.get_attribute("src").startswith(server.api_url)
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 2
    for name, kind, part in (
        ("a.mp4", "video/mp4", "video"),
        ("a.mp3", "audio/mpeg", "audio"),
        ("a.pdf", "application/pdf", "iframe"),
    ):
        files.open_file(files.put(name, b"%PDF-1.4 no real media", ContentType=kind))
        address = page.locator(f".preview {part}").get_attribute("src")
        assert address.startswith(server.api_url)
        answer = page.request.get(address)
        assert (answer.status, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["content-disposition"].startswith("inline")
    files.open_file(files.put("a.csv", b'name,size\nkitten,"1,2"\n', ContentType="text/csv"))
    assert page.locator(".preview td").all_inner_texts() == ["name", "size", "kitten", "1,2"]
    files.open_file(files.put("a.json", b'{"a": "<b>"}', ContentType="application/json"))
    expect(page.locator(".preview pre")).to_have_text('{"a": "<b>"}')
    files.open_file(files.put("long.txt", b"x" * 300_000, ContentType="text/plain"))
    expect(page.locator(".preview")).to_contain_text("Only the beginning is shown")


def test_t66_a_video_plays(files, browser):
    maker = browser.new_context().new_page()
    film = bytes(maker.evaluate(_FILM))
    maker.context.close()
    files.open_file(files.put("a.webm", film, ContentType="video/webm"))
    video = files.console.page.locator(".preview video")
    expect(video).to_be_visible()
    assert video.evaluate(_PLAYED) == [64, 48]


def test_t66_the_pages_of_a_pdf_are_seen(files, browser):
    page, maker = files.console.page, browser.new_context().new_page()
    if not page.evaluate("navigator.pdfViewerEnabled"):
        pytest.skip("this Chromium shows no PDF")
    maker.set_content("<style>html { background: #c00; -webkit-print-color-adjust: exact }</style>")
    files.open_file(files.put("a.pdf", maker.pdf(print_background=True), ContentType="application/pdf"))
    frame = page.locator(".preview iframe")
    expect(frame).to_be_visible()

    def is_red():
        picture = base64.b64encode(frame.screenshot()).decode()
        return maker.evaluate(_MIDDLE, f"data:image/png;base64,{picture}") == [204, 0, 0]

    wait_until(is_red, "the page of the PDF is not seen")
    maker.context.close()


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"])
def test_t66_nothing_that_is_stored_runs_script(files, kind):
    script = '<svg xmlns="http://www.w3.org/2000/svg" onload="top.ran=1;document.title=\'ran\'"><script>window.ran=1;document.title="ran"</script></svg>'
    body = f"<html xmlns='http://www.w3.org/1999/xhtml'>{script}</html>" if "html" in kind else script
    page = files.console.page
    files.open_file(files.put("evil.html", body.encode(), ContentType=kind))
    expect(page.locator(".preview")).to_be_visible()
    if kind == "image/svg+xml":
        page.locator(".preview img").evaluate("image => image.decode().catch(() => {})")
    else:
        expect(page.locator(".preview pre")).to_contain_text("window.ran=1")
    assert page.evaluate("window.ran") is None
    # Neither does it where the file itself is opened, at the API's address.
    address = page.evaluate(
        "async (href) => (await fetch(href, {redirect: 'manual'})).type",
        page.get_by_role("link", name="Download", exact=True).get_attribute("href"),
    )
    assert address == "opaqueredirect"


def test_names_and_texts_that_look_like_markup_are_shown_as_they_are(files):
    name = '"><img src=x onerror=alert(1)>.txt'
    version = files.put(name, b"</pre><script>alert(1)</script>", ContentType="text/plain", Metadata={"k": "<b>&amp;"})
    files.open()
    expect(files.row(name)).to_be_visible()
    files.open_file(version)
    assert _details(files)["Name"] == name
    expect(files.console.page.locator(".preview pre")).to_have_text("</pre><script>alert(1)</script>")
    expect(files.console.page.locator("main img")).to_have_count(0)


def _share(files, version, **values):
    """Make a link in the dialog; its address."""
    files.open_file(version)
    dialog = files.dialog_of("Share")
    for label, value in values.items():
        if label == "Ends after":
            dialog.get_by_label(label).select_option(value)
        else:
            dialog.get_by_label(label).fill(value)
    dialog.get_by_role("button", name="Make the link").click()
    expect(dialog.locator("svg.qr")).to_be_visible()
    return dialog.get_by_label("Link", exact=True).input_value()


def test_t67_a_share_link_works_without_a_session_and_stops_when_it_is_revoked(files, stranger_console, server):
    version = files.put("in/gift 😀.txt", b"for you")
    address = _share(files, version, **{"Ends after": "never"})
    page = stranger_console.page
    answer = page.goto(address)
    assert answer.headers["x-robots-tag"].startswith("noindex")
    expect(page.get_by_role("heading", name="gift 😀.txt")).to_be_visible()
    expect(page.locator("main")).to_contain_text("7 bytes")
    content = page.content()
    for secret in (files.name, "in/", "@example.com", version):
        assert secret not in content
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.path().read_bytes() == b"for you"
    assert download.value.suggested_filename == "gift 😀.txt"
    assert download.value.url.startswith(server.api_url)
    files.console.open(f"/buckets/{files.name}/shares")
    row = files.console.page.locator("tbody tr")
    expect(row).to_contain_text("Active")
    files.console.page.get_by_label("Revoke the link to in/gift").click()
    files.toast("revoked")
    assert page.goto(address).status == 404
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()


def test_t67_the_password_of_a_link_is_asked_for_and_checked(files, stranger_console):
    address = _share(files, files.put("a.txt", b"secret"), Password="open sesame", **{"Downloads allowed": "1"})
    page = stranger_console.page
    page.goto(address)
    page.get_by_label("Password").fill("guess")
    page.get_by_role("button", name="Download").click()
    expect(page.locator("#e-password")).to_contain_text("not the password")
    page.get_by_label("Password").fill("open sesame")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.path().read_bytes() == b"secret"
    assert page.goto(address).status == 404
    expect(page.locator("main")).to_contain_text("as often as it may be")


def test_t67_a_direct_address_fetches_the_version_and_lives_for_seven_days_at_most(files, stranger_console):
    version = files.put("a.txt", b"direct")
    files.open_file(version)
    dialog = files.dialog_of("Share")
    dialog.get_by_text("Direct address", exact=True).click()
    dialog.get_by_label("Ends after").select_option("never")
    dialog.get_by_role("button", name="Make the link").click()
    expect(dialog.locator("[id$=e-expiry]")).to_contain_text("7 days at most")
    dialog.get_by_label("Ends after").select_option("604800")
    dialog.get_by_role("button", name="Make the link").click()
    address = dialog.get_by_label("Link", exact=True).input_value()
    files.put("a.txt", b"a later version")
    answer = stranger_console.page.request.get(address)
    assert (answer.status, answer.body()) == (200, b"direct")
    assert stranger_console.page.request.get(address.replace("attachment", "inline")).status == 401


def test_type_and_info_are_edited_by_a_new_version(files):
    files.open_file(files.put("a.txt", b"same", ContentType="text/plain"))
    dialog = files.console.dialog("Edit")
    dialog.get_by_label("Content type").fill("text/markdown")
    dialog.get_by_label("File info").fill("color: blue\nno colon")
    dialog.get_by_role("button", name="Save as a new version").click()
    expect(dialog.locator("[id$=e-info]")).to_contain_text("no colon")
    dialog.get_by_label("File info").fill("color: blue")
    dialog.get_by_role("button", name="Save as a new version").click()
    files.toast("A new version has this type and info")
    found = files.s3.get_object(Bucket=files.name, Key="a.txt")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (
        b"same",
        "text/markdown",
        {"color": "blue"},
    )


def retain(files, mode, until, *, bypass=False):
    """Send the form of a version's retention from its page; the dialog, which is gone where it was taken."""
    dialog = files.dialog_of("Change")
    dialog.get_by_text(mode, exact=True).click()
    dialog.get_by_label("Retain until (UTC)").fill(until)
    if bypass:
        dialog.get_by_label("Bypass governance").check()
    dialog.get_by_role("button", name="Save").click()
    return dialog


def test_t37_a_file_under_default_retention_says_its_mode_date_and_countdown_and_cannot_be_deleted(files):
    files.enable_lock()
    files.console.open(f"/buckets/{files.name}/lock")
    files.console.page.get_by_text("Compliance", exact=True).click()
    files.console.page.get_by_label("Days").fill("10")
    files.console.page.get_by_role("button", name="Save changes").click()
    expect(files.console.page.get_by_text("The settings are saved.")).to_be_visible()
    version = files.put("a.txt")
    until = files.s3.get_object_retention(Bucket=files.name, Key="a.txt")["Retention"]["RetainUntilDate"]
    files.open()
    expect(files.row("a.txt")).to_contain_text("Compliance, 9 days left")
    files.open_file(version)
    said = files.console.page.locator("[data-details]")
    expect(said).to_contain_text(f"Compliance Mode, until {until:%Y-%m-%d %H:%M:%S} UTC (in 9 days)")
    dialog = files.dialog_of("Delete version")
    dialog.get_by_role("button", name="Delete version").click()
    expect(dialog.get_by_role("alert")).to_contain_text("It is locked, and stays")
    assert files.stored() == [("a.txt", False)]


def test_t38_governance_is_shortened_with_the_bypass_right_alone(files, server):
    files.enable_lock()
    version = files.put("a.txt")
    files.open_file(version)
    retain(files, "Governance", "2999-01-01T00:00")
    files.toast("The retention is set")
    dialog = retain(files, "Governance", "2998-01-01T00:00")
    expect(dialog.locator("[id$=e-until]")).to_contain_text("only shortened or ended with the box below ticked")
    files.console.page.keyboard.press("Escape")
    retain(files, "Governance", "2998-01-01T00:00", bypass=True)
    said = files.console.page.locator("[data-details]")
    expect(said).to_contain_text("Governance Mode, until 2998-01-01 00:00:00 UTC")
    # And the box is no way around the right: a key without it is refused.
    key = files.api.create_key(["readFiles", "writeFiles", "writeFileRetentions"], "no-bypass")
    weak = boto3_client(server, key=(key.id_, key.application_key))
    with pytest.raises(ClientError, match="AccessDenied"):
        weak.put_object_retention(
            Bucket=files.name, Key="a.txt", BypassGovernanceRetention=True,
            Retention={"Mode": "GOVERNANCE", "RetainUntilDate": datetime(2997, 1, 1, tzinfo=UTC)},
        )  # fmt: skip


def test_t38_compliance_is_only_extended(files):
    files.enable_lock()
    files.open_file(files.put("a.txt"))
    retain(files, "Compliance", "2998-01-01T00:00")
    files.toast("The retention is set")
    said = files.console.page.locator("[data-details]")
    for mode, until in (("Compliance", "2997-01-01T00:00"), ("None", ""), ("Governance", "2999-01-01T00:00")):
        dialog = retain(files, mode, until)
        expect(dialog.locator("[id$=e-until]")).to_contain_text("can only be made longer, by nobody shorter")
        expect(dialog.get_by_label("Bypass governance")).to_have_count(0)
        files.console.page.keyboard.press("Escape")
    retain(files, "Compliance", "2999-01-01T00:00")
    expect(said).to_contain_text("Compliance Mode, until 2999-01-01 00:00:00 UTC")


def test_t39_a_legal_hold_is_put_on_and_taken_off_for_one_file_and_for_a_selection(files):
    files.enable_lock()
    version = files.put("a.txt")
    files.put("b.txt")
    page = files.console.page
    files.open_file(version)
    page.get_by_role("button", name="Put on").click()
    files.toast("under legal hold")
    dialog = files.dialog_of("Delete version")
    expect(dialog).to_contain_text("under legal hold, and stays")
    dialog.get_by_role("button", name="Delete version").click()
    expect(dialog.get_by_role("alert")).to_contain_text("It is locked")
    files.open()
    page.get_by_label("Select all on this page").check()
    page.get_by_role("button", name="Release").click()
    files.toast("taken off")
    page.get_by_label("Select all on this page").check()
    page.get_by_role("button", name="Hold", exact=True).click()
    files.toast("under legal hold")
    expect(files.row("b.txt")).to_contain_text("Legal hold")


def test_a_file_under_a_key_of_ones_own_is_downloaded_with_the_key_typed_or_from_a_file(files, tmp_path):
    version = files.put("sealed.txt", b"secret", SSECustomerAlgorithm="AES256", SSECustomerKey=KEY.key)
    page = files.console.page
    files.console.open(f"/buckets/{files.name}/file?id={version}")
    page.get_by_label("Key", exact=True).fill(OTHER_KEY.text)
    form = page.locator("form.own-key")
    form.get_by_role("button", name="Download").click()
    expect(form.get_by_text("This is another key")).to_be_visible()
    expect(page.get_by_label("Key", exact=True)).to_have_value("")
    key_file = tmp_path / "key.bin"
    for content in (KEY.key, KEY.text.encode() + b"\n"):
        key_file.write_bytes(content)
        with page.expect_file_chooser() as chooser:
            form.get_by_role("button", name="Choose a key file").click()
        chooser.value.set_files(str(key_file))
        expect(form.get_by_text("key.bin")).to_be_visible()
        expect(page.get_by_label("Key", exact=True)).to_have_value(KEY.text)
        with page.expect_download() as fetched:
            form.get_by_role("button", name="Download").click()
        assert fetched.value.suggested_filename == "sealed.txt"
        assert fetched.value.path().read_bytes() == b"secret"
        page.get_by_label("Key", exact=True).fill("")
    assert KEY.text not in page.url
