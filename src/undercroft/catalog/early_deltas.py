"""The first deltas of the schema. `schema.py` goes on from them, and says how deltas are written.

They are one table and never change, so the file is longer than others.
"""

EARLY_DELTAS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE accounts (
            account_id TEXT PRIMARY KEY,
            email TEXT NOT NULL UNIQUE,
            password_hash TEXT NOT NULL,
            suspended INTEGER NOT NULL DEFAULT 0,
            created_ms {BIG} NOT NULL,
            next_key_counter {BIG} NOT NULL DEFAULT 1,
            last_bucket_ms {BIG} NOT NULL DEFAULT 0
        )""",
        """CREATE TABLE keys (
            key_id TEXT PRIMARY KEY,
            account_id TEXT NOT NULL,
            name TEXT NOT NULL,
            wrapped_secret {BYTES} NOT NULL,
            capabilities TEXT NOT NULL,
            bucket_ids TEXT,
            name_prefix TEXT,
            expires_ms {BIG},
            created_ms {BIG} NOT NULL
        )""",
        "CREATE INDEX keys_by_account ON keys (account_id, key_id)",
        """CREATE TABLE signing_keys (
            signing_key_id INTEGER PRIMARY KEY,
            wrapped_secret {BYTES} NOT NULL,
            created_ms {BIG} NOT NULL
        )""",
        """CREATE TABLE buckets (
            bucket_id TEXT PRIMARY KEY,
            account_id TEXT NOT NULL,
            name TEXT NOT NULL,
            folded_name TEXT NOT NULL UNIQUE,
            type TEXT NOT NULL,
            revision INTEGER NOT NULL,
            created_ms {BIG} NOT NULL
        )""",
        "CREATE INDEX buckets_by_account ON buckets (account_id, name)",
        """CREATE TABLE bucket_documents (
            bucket_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            document TEXT NOT NULL,
            PRIMARY KEY (bucket_id, kind)
        ) {CLUSTERED}""",
        """CREATE TABLE versions (
            bucket_id TEXT NOT NULL,
            name {BYTES} NOT NULL,
            inverted_ms {BIG} NOT NULL,
            inverted_seq {BIG} NOT NULL,
            handle {BIG} NOT NULL,
            kind INTEGER NOT NULL,
            born_ms {BIG} NOT NULL,
            action INTEGER NOT NULL,
            size {BIG} NOT NULL,
            content_type TEXT NOT NULL,
            content_sha1 TEXT NOT NULL,
            etag TEXT NOT NULL,
            checksum TEXT,
            info TEXT NOT NULL,
            received_ms {BIG} NOT NULL,
            part_count INTEGER NOT NULL,
            PRIMARY KEY (bucket_id, name, inverted_ms, inverted_seq)
        ) {CLUSTERED}""",
        "CREATE UNIQUE INDEX versions_by_handle ON versions (bucket_id, handle)",
        "CREATE INDEX versions_unfinished ON versions (bucket_id, born_ms, handle) WHERE action = 3",
        "CREATE INDEX versions_uploads ON versions (bucket_id, name, born_ms, handle) WHERE action = 3",
        """CREATE TABLE files (
            bucket_id TEXT NOT NULL,
            name {BYTES} NOT NULL,
            inverted_ms {BIG} NOT NULL,
            inverted_seq {BIG} NOT NULL,
            PRIMARY KEY (bucket_id, name)
        ) {CLUSTERED}""",
        """CREATE TABLE parts (
            bucket_id TEXT NOT NULL,
            large_handle {BIG} NOT NULL,
            part_number INTEGER NOT NULL,
            handle {BIG} NOT NULL,
            size {BIG} NOT NULL,
            start {BIG} NOT NULL DEFAULT 0,
            content_sha1 TEXT NOT NULL,
            md5 TEXT NOT NULL,
            checksum TEXT,
            uploaded_ms {BIG} NOT NULL,
            PRIMARY KEY (bucket_id, large_handle, part_number)
        ) {CLUSTERED}""",
        """CREATE TABLE extents (
            bucket_id TEXT NOT NULL,
            handle {BIG} NOT NULL,
            start {BIG} NOT NULL,
            length {BIG} NOT NULL,
            blob_id {BYTES},
            blob_offset {BIG} NOT NULL DEFAULT 0,
            inline {BYTES},
            inline_crc32c {BIG},
            wrapped_key {BYTES},
            PRIMARY KEY (bucket_id, handle, start)
        )""",
        "CREATE INDEX extents_by_blob ON extents (blob_id) WHERE blob_id IS NOT NULL",
        """CREATE TABLE reclaims (
            blob_id {BYTES} PRIMARY KEY,
            after_ms {BIG} NOT NULL
        )""",
        "CREATE INDEX reclaims_by_time ON reclaims (after_ms)",
        """CREATE TABLE usage_deltas (
            bucket_id TEXT NOT NULL,
            slot INTEGER NOT NULL,
            versions {BIG} NOT NULL,
            bytes {BIG} NOT NULL,
            PRIMARY KEY (bucket_id, slot)
        ) {CLUSTERED}""",
        """CREATE TABLE invalidations (
            invalidation_id INTEGER PRIMARY KEY,
            subject TEXT NOT NULL,
            at_ms {BIG} NOT NULL
        )""",
        """CREATE TABLE leases (
            work TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            until_ms {BIG} NOT NULL,
            fence {BIG} NOT NULL
        )""",
    ),
    (
        "ALTER TABLE versions ADD COLUMN retention_mode TEXT",
        "ALTER TABLE versions ADD COLUMN retain_until_ms {BIG}",
        "ALTER TABLE versions ADD COLUMN legal_hold INTEGER",
    ),
    (
        """CREATE TABLE lifecycle_run (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            period {BIG} NOT NULL,
            began_ms {BIG} NOT NULL,
            ended_ms {BIG},
            bucket_id TEXT NOT NULL,
            name {BYTES} NOT NULL,
            inverted_ms {BIG} NOT NULL,
            inverted_seq {BIG} NOT NULL,
            looked_at {BIG} NOT NULL,
            hidden {BIG} NOT NULL,
            deleted {BIG} NOT NULL,
            canceled {BIG} NOT NULL,
            locked {BIG} NOT NULL
        )""",
    ),
    (
        """CREATE TABLE notification_queues (
            bucket_id TEXT NOT NULL,
            rule_id TEXT NOT NULL,
            last_sequence {BIG} NOT NULL,
            due_ms {BIG},
            attempts INTEGER NOT NULL DEFAULT 0,
            failing_since_ms {BIG},
            suspension_reason TEXT,
            last_delivery {BIG} NOT NULL DEFAULT 0,
            restarts {BIG} NOT NULL DEFAULT 0,
            PRIMARY KEY (bucket_id, rule_id)
        ) {CLUSTERED}""",
        "CREATE INDEX notification_queues_due ON notification_queues (due_ms) WHERE due_ms IS NOT NULL",
        """CREATE TABLE outbox (
            bucket_id TEXT NOT NULL,
            rule_id TEXT NOT NULL,
            sequence {BIG} NOT NULL,
            event_type TEXT NOT NULL,
            at_ms {BIG} NOT NULL,
            name {BYTES} NOT NULL,
            size {BIG},
            file_id TEXT NOT NULL,
            PRIMARY KEY (bucket_id, rule_id, sequence)
        ) {CLUSTERED}""",
        """CREATE TABLE deliveries (
            bucket_id TEXT NOT NULL,
            rule_id TEXT NOT NULL,
            number {BIG} NOT NULL,
            at_ms {BIG} NOT NULL,
            kind TEXT NOT NULL,
            events INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            status INTEGER,
            duration_ms INTEGER NOT NULL,
            error TEXT,
            PRIMARY KEY (bucket_id, rule_id, number)
        ) {CLUSTERED}""",
    ),
    (
        """CREATE TABLE call_days (
            account_id TEXT NOT NULL,
            day INTEGER NOT NULL,
            class TEXT NOT NULL,
            call TEXT NOT NULL,
            slot INTEGER NOT NULL,
            transactions {BIG} NOT NULL,
            PRIMARY KEY (account_id, day, class, call, slot)
        ) {CLUSTERED}""",
        "CREATE INDEX call_days_unfolded ON call_days (day) WHERE slot <> 0",
        """CREATE TABLE transfer_days (
            account_id TEXT NOT NULL,
            day INTEGER NOT NULL,
            slot INTEGER NOT NULL,
            downloaded {BIG} NOT NULL,
            uploaded {BIG} NOT NULL,
            PRIMARY KEY (account_id, day, slot)
        ) {CLUSTERED}""",
        "CREATE INDEX transfer_days_unfolded ON transfer_days (day) WHERE slot <> 0",
        """CREATE TABLE storage_days (
            account_id TEXT NOT NULL,
            day INTEGER NOT NULL,
            hours INTEGER NOT NULL,
            versions {BIG} NOT NULL,
            bytes {BIG} NOT NULL,
            byte_hours {BIG} NOT NULL,
            PRIMARY KEY (account_id, day)
        ) {CLUSTERED}""",
        """CREATE TABLE caps (
            account_id TEXT PRIMARY KEY,
            storage {BIG},
            download {BIG},
            class_b {BIG},
            class_c {BIG}
        )""",
        """CREATE TABLE cap_alerts (
            account_id TEXT NOT NULL,
            category TEXT NOT NULL,
            day INTEGER NOT NULL,
            percent INTEGER NOT NULL,
            cap {BIG} NOT NULL,
            used {BIG} NOT NULL,
            at_ms {BIG} NOT NULL,
            is_over INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (account_id, category, day, percent, cap)
        ) {CLUSTERED}""",
    ),
    (
        """CREATE TABLE groups (
            group_id TEXT PRIMARY KEY,
            admin_account_id TEXT NOT NULL,
            name TEXT NOT NULL,
            created_ms {BIG} NOT NULL
        )""",
        "CREATE INDEX groups_by_admin ON groups (admin_account_id, group_id)",
        """CREATE TABLE group_members (
            account_id TEXT PRIMARY KEY,
            group_id TEXT NOT NULL,
            joined_ms {BIG} NOT NULL
        )""",
        "CREATE INDEX group_members_by_group ON group_members (group_id, account_id)",
    ),
    (
        "ALTER TABLE versions ADD COLUMN replication_status INTEGER",
        """CREATE TABLE replication_queues (
            bucket_id TEXT NOT NULL,
            rule TEXT NOT NULL,
            last_sequence {BIG} NOT NULL DEFAULT 0,
            due_ms {BIG},
            attempts INTEGER NOT NULL DEFAULT 0,
            failing_since_ms {BIG},
            reason TEXT,
            walk_name {BYTES},
            walk_inverted_ms {BIG},
            walk_inverted_seq {BIG},
            is_remote INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (bucket_id, rule)
        ) {CLUSTERED}""",
        "CREATE INDEX replication_queues_due ON replication_queues (is_remote, due_ms) WHERE due_ms IS NOT NULL",
        """CREATE TABLE replications (
            bucket_id TEXT NOT NULL,
            rule TEXT NOT NULL,
            sequence {BIG} NOT NULL,
            handle {BIG} NOT NULL,
            queued_ms {BIG} NOT NULL,
            may_be_there INTEGER NOT NULL,
            PRIMARY KEY (bucket_id, rule, sequence)
        ) {CLUSTERED}""",
        "CREATE UNIQUE INDEX replications_by_version ON replications (bucket_id, handle, rule)",
        """CREATE TABLE replication_failures (
            bucket_id TEXT NOT NULL,
            handle {BIG} NOT NULL,
            rule TEXT NOT NULL,
            queued_ms {BIG} NOT NULL,
            failed_ms {BIG} NOT NULL,
            retry_ms {BIG} NOT NULL,
            reason TEXT NOT NULL,
            PRIMARY KEY (bucket_id, handle, rule)
        ) {CLUSTERED}""",
        """CREATE TABLE replication_targets (
            target_id TEXT PRIMARY KEY,
            account_id TEXT NOT NULL,
            name TEXT NOT NULL,
            endpoint TEXT NOT NULL,
            key_id TEXT NOT NULL,
            wrapped_key {BYTES} NOT NULL,
            bucket_name TEXT NOT NULL,
            created_ms {BIG} NOT NULL,
            UNIQUE (account_id, name)
        )""",
        "CREATE INDEX replication_failures_by_rule ON replication_failures (bucket_id, rule, retry_ms)",
    ),
    (
        # SSE-B2, or SSE-C with a space and the MD5 of the customer's key; none: not encrypted.
        "ALTER TABLE versions ADD COLUMN encryption TEXT",
    ),
    (
        """CREATE TABLE sessions (
            session_hash {BYTES} PRIMARY KEY,
            account_id TEXT NOT NULL,
            created_ms {BIG} NOT NULL,
            seen_ms {BIG} NOT NULL,
            address TEXT NOT NULL,
            user_agent TEXT NOT NULL
        )""",
        "CREATE INDEX sessions_by_account ON sessions (account_id, seen_ms)",
    ),
    (
        # When an alert was sent to the operator's webhook; none: not yet.
        "ALTER TABLE cap_alerts ADD COLUMN sent_ms {BIG}",
        "CREATE INDEX cap_alerts_unsent ON cap_alerts (at_ms) WHERE sent_ms IS NULL",
    ),
    (
        "ALTER TABLE usage_deltas ADD COLUMN files {BIG} NOT NULL DEFAULT 0",
        "ALTER TABLE usage_deltas ADD COLUMN file_bytes {BIG} NOT NULL DEFAULT 0",
        "ALTER TABLE usage_deltas ADD COLUMN unfinished_bytes {BIG} NOT NULL DEFAULT 0",
        # What is there already is counted into the slot of commands.
        """INSERT INTO usage_deltas (bucket_id, slot, versions, bytes, files, file_bytes)
            SELECT f.bucket_id, 0, 0, 0, count(*), coalesce(sum(v.size), 0) FROM files f JOIN versions v
            ON v.bucket_id = f.bucket_id AND v.name = f.name AND v.inverted_ms = f.inverted_ms
            AND v.inverted_seq = f.inverted_seq GROUP BY f.bucket_id
            ON CONFLICT (bucket_id, slot) DO UPDATE SET files = excluded.files, file_bytes = excluded.file_bytes""",
        """INSERT INTO usage_deltas (bucket_id, slot, versions, bytes, unfinished_bytes)
            SELECT v.bucket_id, 0, 0, 0, coalesce(sum(p.size), 0) FROM versions v JOIN parts p
            ON p.bucket_id = v.bucket_id AND p.large_handle = v.handle WHERE v.action = 3 GROUP BY v.bucket_id
            ON CONFLICT (bucket_id, slot) DO UPDATE SET unfinished_bytes = excluded.unfinished_bytes""",
        """CREATE TABLE bucket_days (
            account_id TEXT NOT NULL,
            day INTEGER NOT NULL,
            bucket_id TEXT NOT NULL,
            slot INTEGER NOT NULL,
            downloaded {BIG} NOT NULL,
            uploaded {BIG} NOT NULL,
            class_a {BIG} NOT NULL,
            class_b {BIG} NOT NULL,
            class_c {BIG} NOT NULL,
            PRIMARY KEY (account_id, day, bucket_id, slot)
        ) {CLUSTERED}""",
        "CREATE INDEX bucket_days_unfolded ON bucket_days (day) WHERE slot <> 0",
        """CREATE TABLE bucket_storage_days (
            account_id TEXT NOT NULL,
            day INTEGER NOT NULL,
            bucket_id TEXT NOT NULL,
            versions {BIG} NOT NULL,
            bytes {BIG} NOT NULL,
            files {BIG} NOT NULL,
            file_bytes {BIG} NOT NULL,
            unfinished_bytes {BIG} NOT NULL,
            PRIMARY KEY (account_id, day, bucket_id)
        ) {CLUSTERED}""",
        """CREATE TABLE own_caps (
            account_id TEXT PRIMARY KEY,
            storage {BIG},
            download {BIG},
            class_b {BIG},
            class_c {BIG}
        )""",
        """CREATE TABLE key_uses (
            key_id TEXT PRIMARY KEY,
            at_ms {BIG} NOT NULL,
            address TEXT NOT NULL,
            face TEXT NOT NULL,
            call TEXT NOT NULL
        )""",
    ),
    (
        """CREATE TABLE shares (
            bucket_id TEXT NOT NULL,
            share_id TEXT NOT NULL,
            token_hash {BYTES} NOT NULL,
            name {BYTES} NOT NULL,
            file_id TEXT NOT NULL,
            issued_by TEXT NOT NULL,
            password_hash TEXT,
            created_ms {BIG} NOT NULL,
            expires_ms {BIG},
            downloads_max {BIG},
            downloads {BIG} NOT NULL,
            visits {BIG} NOT NULL,
            visited_ms {BIG},
            tries {BIG} NOT NULL DEFAULT 0,
            tried_ms {BIG} NOT NULL DEFAULT 0,
            PRIMARY KEY (bucket_id, share_id)
        ) {CLUSTERED}""",
        "CREATE UNIQUE INDEX shares_by_token ON shares (token_hash)",
        "CREATE INDEX shares_by_name ON shares (bucket_id, name, share_id)",
        "CREATE INDEX shares_by_end ON shares (bucket_id, expires_ms) WHERE expires_ms IS NOT NULL",
    ),
)
