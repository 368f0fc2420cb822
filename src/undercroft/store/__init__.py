"""The store: the domain of Undercroft. It knows no HTTP, no SQL and no files.

Faces translate requests into calls of a `Store` and its answers back; every decision is made here.
"""

from __future__ import annotations

import asyncio

from undercroft.blobs.contract import Blobs
from undercroft.catalog.contract import Catalog
from undercroft.keyring import Keyring
from undercroft.outgoing.contract import NoWayOut, Visit
from undercroft.store.accounting.alert_recipients import AlertRecipients
from undercroft.store.accounting.meter import Meter
from undercroft.store.accounting.service import Accounting
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.notifications import Notifications
from undercroft.store.buckets.replication_setup import ReplicationSetup
from undercroft.store.buckets.replication_targets import ReplicationTargets
from undercroft.store.buckets.service import Buckets
from undercroft.store.buckets.shares import Shares
from undercroft.store.buckets.snapshots import KeptSnapshots
from undercroft.store.directory import Directory
from undercroft.store.files.base import Context
from undercroft.store.files.encryption import Sealings
from undercroft.store.files.service import Files
from undercroft.store.gate import Gate
from undercroft.store.identity.administration import Administrations
from undercroft.store.identity.kept_settings import KeptSettings
from undercroft.store.identity.people import NOBODY_SIGNS_UP, People
from undercroft.store.identity.service import Identity
from undercroft.store.work.access_logs import AccessLogs
from undercroft.store.work.alert_webhook import AlertWebhook
from undercroft.store.work.deliveries import Deliveries
from undercroft.store.work.jobs.hands import Hands
from undercroft.store.work.jobs.runner import JobRunner
from undercroft.store.work.jobs.service import Jobs
from undercroft.store.work.jobs.snapshots import Snapshots
from undercroft.store.work.notices import Notices
from undercroft.store.work.past_events import PastEvents
from undercroft.store.work.replication import Replications
from undercroft.store.work.replication_remote import RemoteReplications
from undercroft.store.work.service import Work
from undercroft.threads import Threads

HASHER_THREADS = 4  # Enough to keep two cores busy with digests while others wait for their turn.


class Store:
    """One process's door to the domain. `slot` is the process's own small number, for its counters."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: Blobs,
        keyring: Keyring,
        *,
        slot: int = 0,
        ambient: Ambient | None = None,
        visit: Visit | None = None,
        default_encryption: str | None = None,
        alert_webhook: str | None = None,
        people: People = NOBODY_SIGNS_UP,
    ) -> None:
        """`visit` is the way to targets outside; without one, none is reached. `people` is who may sign up, and how.

        `default_encryption`, SSE-B2 or None, is that of new files in buckets that were never told one. Alerts about caps are
        sent to the https URL `alert_webhook`, if there is one.
        """
        self._catalog = catalog
        self._blobs = blobs
        self._hashers = Threads(HASHER_THREADS, "hash")
        self.ambient = ambient or Ambient()
        directory = Directory(catalog, keyring, self.ambient)
        meter = Meter(self.ambient)
        gate = Gate(catalog, directory, meter)
        self.accounting = Accounting(catalog, gate, meter, keyring, self.ambient, slot=slot)
        self.identity = Identity(catalog, directory, gate, keyring, self.ambient, people)
        self.alert_recipients = AlertRecipients(
            catalog, gate, self.accounting.alert_settings, self.identity.attempts, self.identity.letters, self.ambient
        )
        deeds = self.identity.deeds
        self.audit = self.identity.audit
        self.administrations = Administrations(
            catalog,
            self.identity.accounts,
            self.accounting.caps,
            self.identity.second_factors,
            self.identity.sign_up,
            self.identity.sessions,
            self.audit,
            self.identity.trials,
            KeptSettings(catalog, gate),
        )
        sealings = Sealings(keyring, default_encryption)
        self.buckets = Buckets(catalog, directory, gate, deeds, sealings, self.ambient)
        self.notifications = Notifications(catalog, gate, deeds, self.buckets, keyring, self.ambient)
        self.past_events = PastEvents(catalog, gate, deeds, self.ambient)
        self.files = Files(
            Context(
                catalog=catalog,
                blobs=blobs,
                directory=directory,
                gate=gate,
                deeds=deeds,
                ambient=self.ambient,
                meter=meter,
                hashers=self._hashers,
                sealings=sealings,
                slot=slot,
            )
        )
        self.shares = Shares(catalog, directory, gate, self.files, self.ambient)
        self.access_logs = AccessLogs(directory, self.files, self.ambient)
        self.replication_setup = ReplicationSetup(self.buckets, self.identity.keys)
        self.replication_targets = ReplicationTargets(catalog, gate, keyring, self.ambient)
        self.snapshots = KeptSnapshots(directory, self.files)
        self.jobs = Jobs(catalog, gate, self.files, directory, self.ambient)
        self.work = self._made_work(directory, gate, meter, keyring, visit or NoWayOut, alert_webhook)

    def _made_work(
        self, directory: Directory, gate: Gate, meter: Meter, keyring: Keyring, visit: Visit, alert_webhook: str | None
    ) -> Work:
        """What runs in the background, over the other parts of the store."""
        catalog, ambient = self._catalog, self.ambient
        hands = Hands(catalog, gate, directory, ambient)
        return Work(
            catalog,
            self._blobs,
            gate,
            self.files,
            self.notifications,
            self.accounting.alert_settings,
            keyring,
            ambient,
            Deliveries(catalog, gate, self.notifications, ambient, meter, visit),
            Replications(catalog, gate, self.files, directory, ambient),
            RemoteReplications(catalog, gate, self.files, directory, self.replication_targets, ambient, visit),
            AlertWebhook(catalog, gate, ambient, visit, alert_webhook),
            Notices(
                catalog,
                gate,
                ambient,
                self.accounting.alert_settings,
                self.alert_recipients,
                self.identity.letters,
                visit,
            ),
            JobRunner(catalog, gate, self.files, hands, ambient),
            Snapshots(catalog, self.files, self.buckets, hands, ambient),
        )

    async def ready(self) -> None:
        """Return if the catalog and the blobs answer; raise their error if not."""
        await self._catalog.check()
        await asyncio.get_running_loop().run_in_executor(None, self._blobs.check)

    async def close(self) -> None:
        """Finish what was begun and let go of the engines."""
        await self.identity.letters.sent()
        await self._catalog.close()
        await self._blobs.close()
        await self._hashers.close()
