"""A bucket whose files a test looks at in the console."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from b2sdk.v3 import B2Api
from playwright.sync_api import Locator, expect

from harness.console import Console


@dataclass
class BucketPages:
    """A bucket, the client that fills it, and the browser page that shows it."""

    console: Console
    s3: Any
    api: B2Api
    name: str

    @property
    def bucket_id(self) -> str:
        """The bucket's id."""
        return str(self.api.get_bucket_by_name(self.name).id_)

    def publish(self) -> None:
        """Let anybody read the files."""
        self.api.get_bucket_by_name(self.name).update(bucket_type="allPublic")

    def enable_lock(self) -> None:
        """Let files be locked."""
        self.api.get_bucket_by_name(self.name).update(is_file_lock_enabled=True)

    def put(self, key: str, body: bytes = b"data", **options: Any) -> str:
        """Upload a file; its version's id."""
        return self.s3.put_object(Bucket=self.name, Key=key, Body=body, **options)["VersionId"]

    def open(self, prefix: str = "", **query: str) -> None:
        """Go to a folder."""
        text = urlencode({**({"prefix": prefix} if prefix else {}), **query})
        self.console.open(f"/buckets/{self.name}/files" + (f"?{text}" if text else ""))

    def open_file(self, version_id: str) -> None:
        """Go to the details of a version."""
        self.console.open(f"/buckets/{self.name}/file?id={version_id}")

    def row(self, label: str) -> Locator:
        """The row of the table that has this file or folder."""
        link = self.console.page.get_by_role("link", name=label, exact=True)
        return self.console.page.locator("table.files tbody tr:not(.version)").filter(has=link)

    def versions(self) -> Locator:
        """The rows of versions that are shown."""
        return self.console.page.locator("table.files tbody tr.version")

    def choose(self, *labels: str) -> None:
        """Tick rows off."""
        for label in labels:
            self.console.page.get_by_label(f"Select {label}", exact=True).check()

    def labels(self) -> list[str]:
        """What the rows are called, in their order."""
        return [
            text.strip()
            for text in self.console.page.locator(
                "table.files tbody tr:not(.version) .named a:last-of-type"
            ).all_inner_texts()
        ]

    def press(self, label: str) -> Locator:
        """Press a button of the selection bar, and answer the dialog that comes."""
        bar = self.console.page.locator("[data-selection-bar]")
        bar.get_by_role("button", name=label, exact=True).or_(bar.get_by_role("link", name=label, exact=True)).click()
        dialog = self.console.page.locator("dialog[open]")
        expect(dialog).to_be_visible()
        return dialog

    def dialog_of(self, opener: str) -> Locator:
        """The dialog that the link of just this name opens."""
        self.console.page.get_by_role("link", name=opener, exact=True).click()
        dialog = self.console.page.locator("dialog[open]")
        expect(dialog).to_be_visible()
        return dialog

    def toast(self, text: str) -> None:
        """Wait for a message in the corner."""
        expect(self.console.page.locator("[data-toasts]")).to_contain_text(text)

    def stored(self) -> list[tuple[str, bool]]:
        """Every version in the bucket: its name, and whether it is a hide marker."""
        found = self.s3.list_object_versions(Bucket=self.name)
        uploads = [(row["Key"], False) for row in found.get("Versions", [])]
        return sorted(uploads + [(row["Key"], True) for row in found.get("DeleteMarkers", [])])
