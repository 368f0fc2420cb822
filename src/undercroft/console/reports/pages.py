"""The account's reports, and what is downloaded of them."""

from __future__ import annotations

from undercroft.console.page import Page, get
from undercroft.console.reports.export import as_csv, as_json
from undercroft.console.reports.overview import overview

PAGES: tuple[Page, ...] = (
    get("/reports", overview),
    get("/reports/usage.csv", as_csv),
    get("/reports/usage.json", as_json),
)
