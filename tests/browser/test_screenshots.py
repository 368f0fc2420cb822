"""The pictures of docs/console.md. They are taken with every run, so that the pages are driven; `make screenshots` keeps them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from harness.console_tour import KEEPER, STRANGER, Tour

KEPT = Path(__file__).parents[2] / "docs" / "console"
LARGEST_BYTES = 200_000  # What other tests left on the pages is on them too.
# The name of a picture, who sees the page, its path as the console's table has it, and light or dark.
PICTURES = (
    ("sign-in", STRANGER, "/sign-in", "light"),
    ("buckets", KEEPER, "/buckets", "light"),
    ("files", KEEPER, "/buckets/{name}/files", "light"),
    ("details", KEEPER, "/buckets/{name}/file", "light"),
    ("point-in-time", KEEPER, "/buckets/{name}/at", "light"),
    ("lifecycle", KEEPER, "/buckets/{name}/lifecycle", "light"),
    ("new-key", KEEPER, "/keys/new", "dark"),
    ("caps", KEEPER, "/caps", "light"),
    ("replication", KEEPER, "/replication", "light"),
    ("security", KEEPER, "/settings/security", "light"),
    ("accounts", KEEPER, "/operator/accounts", "dark"),
)


@pytest.mark.parametrize(("name", "visitor", "path", "scheme"), PICTURES, ids=[one[0] for one in PICTURES])
def test_a_picture_of_the_guide_is_small(tour: Tour, tmp_path: Path, name: str, visitor: str, path: str, scheme: str):
    folder = KEPT if os.environ.get("UNDERCROFT_SCREENSHOTS") else tmp_path
    folder.mkdir(exist_ok=True)
    page = tour.page(visitor)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(tour.server.console_url + tour.address(path))
    expect(page.locator("h1").first).to_be_visible()
    picture = folder / f"{name}.png"
    page.screenshot(path=picture)
    page.close()
    assert picture.stat().st_size < LARGEST_BYTES
