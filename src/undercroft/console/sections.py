"""Every page of the console: the sections' tables, put together."""

from __future__ import annotations

from undercroft.console import preferences
from undercroft.console.bucket_settings import pages as bucket_settings
from undercroft.console.buckets import pages as buckets
from undercroft.console.events import pages as events
from undercroft.console.jobs import pages as jobs
from undercroft.console.page import Page
from undercroft.console.past import pages as past
from undercroft.console.sign_in import pages as sign_in

PAGES: tuple[Page, ...] = (
    *sign_in.PAGES,
    *preferences.PAGES,
    *buckets.PAGES,
    *bucket_settings.PAGES,
    *events.PAGES,
    *jobs.PAGES,
    *past.PAGES,
)
