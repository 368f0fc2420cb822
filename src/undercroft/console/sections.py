"""Every page of the console: the sections' tables, put together."""

from __future__ import annotations

from undercroft.console import preferences
from undercroft.console.audit import pages as audit
from undercroft.console.bucket_settings import pages as bucket_settings
from undercroft.console.buckets import pages as buckets
from undercroft.console.caps import pages as caps
from undercroft.console.events import pages as events
from undercroft.console.files import pages as files
from undercroft.console.jobs import pages as jobs
from undercroft.console.keys import pages as keys
from undercroft.console.members import pages as members
from undercroft.console.operator import pages as operator
from undercroft.console.page import Page
from undercroft.console.past import pages as past
from undercroft.console.replication import pages as replication
from undercroft.console.reports import pages as reports
from undercroft.console.settings import pages as settings
from undercroft.console.sign_in import pages as sign_in
from undercroft.console.snapshots import pages as snapshots
from undercroft.console.uploads import pages as uploads

PAGES: tuple[Page, ...] = (
    *sign_in.PAGES,
    *preferences.PAGES,
    *buckets.PAGES,
    *bucket_settings.PAGES,
    *events.PAGES,
    *files.PAGES,
    *replication.PAGES,
    *uploads.PAGES,
    *keys.PAGES,
    *caps.PAGES,
    *reports.PAGES,
    *settings.PAGES,
    *members.PAGES,
    *audit.PAGES,
    *operator.PAGES,
    *jobs.PAGES,
    *past.PAGES,
    *snapshots.PAGES,
)
