"""The background work of the store, as the steward schedules it."""

from __future__ import annotations

from undercroft.blobs.contract import Blobs
from undercroft.catalog import invalidations
from undercroft.catalog.contract import Catalog
from undercroft.keyring import Keyring
from undercroft.store.accounting.alert_settings import AlertSettingsOfAccounts
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.notifications import Notifications
from undercroft.store.files.service import Files
from undercroft.store.gate import Gate
from undercroft.store.work.alert_webhook import AlertWebhook
from undercroft.store.work.deliveries import Deliveries
from undercroft.store.work.jobs.runner import JobRunner
from undercroft.store.work.jobs.snapshots import Snapshots
from undercroft.store.work.key_warnings import KeyWarnings
from undercroft.store.work.leases import Leases
from undercroft.store.work.lifecycle import Lifecycle
from undercroft.store.work.notices import Notices
from undercroft.store.work.reclaim import Reclaim
from undercroft.store.work.replication import Replications
from undercroft.store.work.replication_remote import RemoteReplications
from undercroft.store.work.replication_reports import ReplicationReports
from undercroft.store.work.rotation import Rotation
from undercroft.store.work.usage import UsageWork

INVALIDATIONS_KEPT_MS = 24 * 3600 * 1000


class Work:
    """Everything that happens without anybody asking."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: Blobs,
        gate: Gate,
        files: Files,
        notifications: Notifications,
        alert_settings: AlertSettingsOfAccounts,
        keyring: Keyring,
        ambient: Ambient,
        deliveries: Deliveries,
        replication: Replications,
        remote_replication: RemoteReplications,
        alert_webhook: AlertWebhook,
        notices: Notices,
        jobs: JobRunner,
        snapshots: Snapshots,
    ) -> None:
        self._gate = gate
        self._ambient = ambient
        self.leases = Leases(gate, ambient)
        self.reclaim = Reclaim(catalog, blobs, gate, ambient)
        self.rotation = Rotation(gate, notifications, alert_settings, keyring, ambient)
        self.lifecycle = Lifecycle(catalog, gate, files, ambient)
        self.deliveries = deliveries
        self.key_warnings = KeyWarnings(catalog, gate, ambient)
        self.usage = UsageWork(catalog, gate, ambient)
        self.replication = replication
        self.remote_replication = remote_replication
        self.alert_webhook = alert_webhook
        self.notices = notices
        self.jobs = jobs
        self.snapshots = snapshots
        self.replication_reports = ReplicationReports(catalog, gate, ambient)

    async def prune_invalidations(self) -> None:
        """Forget old entries of the invalidation log; whoever is further behind forgets everything it remembers."""
        before_ms = self._ambient.now_ms() - INVALIDATIONS_KEPT_MS
        await self._gate.write(lambda tx: invalidations.prune(tx, before_ms))
