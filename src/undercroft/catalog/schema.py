"""The schema, as numbered deltas, one text each for both engines.

A delta is never edited after a release; a new one is added. `COMPATIBLE_VERSION` is the oldest schema version whose
program can still work on data of this one (P14). `{BYTES}` and `{BIG}` are the engines' names of the types for bytes and
for 64-bit integers; `{CLUSTERED}` keeps a table in its primary key's order where the engine has to be told (SQLite).

Every per-file table leads its primary key with the bucket id, so that the schema shards by bucket.

Order of versions: clients see newest first. Both engines can only seek in row values of one direction, so time and
sequence are stored negated (`inverted_ms`, `inverted_seq`) and every scan is ascending.
"""

from undercroft.catalog.early_deltas import EARLY_DELTAS

# An older program would send an event again under another id, and leave what is kept of events behind when their bucket is deleted.
COMPATIBLE_VERSION = 27

DELTAS: tuple[tuple[str, ...], ...] = (
    *EARLY_DELTAS,
    (
        # People: what the console knows of them. Accounts of older releases have B2 already, and the oldest is the operator's.
        "ALTER TABLE accounts ADD COLUMN name TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE accounts ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC'",
        "ALTER TABLE accounts ADD COLUMN is_operator INTEGER NOT NULL DEFAULT 0",
        """UPDATE accounts SET is_operator = 1
            WHERE account_id = (SELECT account_id FROM accounts ORDER BY created_ms, account_id LIMIT 1)""",
        """CREATE TABLE products (
            account_id TEXT NOT NULL,
            product TEXT NOT NULL,
            enabled INTEGER NOT NULL,
            terms_version TEXT,
            accepted_ms {BIG},
            PRIMARY KEY (account_id, product)
        ) {CLUSTERED}""",
        "INSERT INTO products SELECT account_id, 'b2', 1, NULL, NULL FROM accounts",
        """CREATE TABLE second_factors (
            account_id TEXT PRIMARY KEY,
            wrapped_secret {BYTES} NOT NULL,
            enabled_ms {BIG},
            last_step {BIG} NOT NULL
        )""",
        """CREATE TABLE recovery_codes (
            account_id TEXT NOT NULL,
            code_hash {BYTES} NOT NULL,
            used_ms {BIG},
            PRIMARY KEY (account_id, code_hash)
        ) {CLUSTERED}""",
        """CREATE TABLE trusted_browsers (
            browser_hash {BYTES} PRIMARY KEY,
            account_id TEXT NOT NULL,
            trusted_ms {BIG} NOT NULL
        )""",
        "CREATE INDEX trusted_browsers_by_account ON trusted_browsers (account_id, trusted_ms)",
        """CREATE TABLE attempts (
            subject TEXT PRIMARY KEY,
            count {BIG} NOT NULL,
            until_ms {BIG} NOT NULL
        )""",
        "CREATE INDEX attempts_by_time ON attempts (until_ms)",
        """CREATE TABLE links (
            link_hash {BYTES} PRIMARY KEY,
            kind TEXT NOT NULL,
            account_id TEXT NOT NULL,
            email TEXT NOT NULL,
            created_ms {BIG} NOT NULL,
            expires_ms {BIG} NOT NULL
        )""",
        "CREATE INDEX links_by_account ON links (account_id, kind, created_ms)",
        """CREATE TABLE audit (
            account_id TEXT NOT NULL,
            at_ms {BIG} NOT NULL,
            entry {BIG} NOT NULL,
            actor TEXT NOT NULL,
            way TEXT NOT NULL,
            address TEXT NOT NULL,
            session_id TEXT NOT NULL,
            action TEXT NOT NULL,
            target TEXT NOT NULL,
            details TEXT NOT NULL,
            result TEXT NOT NULL,
            PRIMARY KEY (account_id, at_ms, entry)
        ) {CLUSTERED}""",
        "CREATE INDEX audit_by_time ON audit (at_ms, entry)",
    ),
    (
        """CREATE TABLE jobs (
            job_id TEXT PRIMARY KEY,
            account_id TEXT NOT NULL,
            bucket_id TEXT NOT NULL,
            key_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            parameters TEXT NOT NULL,
            state TEXT NOT NULL,
            reason TEXT,
            place TEXT NOT NULL,
            tally TEXT NOT NULL,
            total {BIG},
            created_ms {BIG} NOT NULL,
            updated_ms {BIG} NOT NULL,
            ended_ms {BIG},
            revision {BIG} NOT NULL
        )""",
        "CREATE INDEX jobs_by_account ON jobs (account_id, created_ms, job_id)",
        "CREATE INDEX jobs_by_bucket ON jobs (bucket_id)",
        "CREATE INDEX jobs_running ON jobs (updated_ms, job_id) WHERE state = 'running'",
        """CREATE TABLE job_remarks (
            job_id TEXT NOT NULL,
            number {BIG} NOT NULL,
            what TEXT NOT NULL,
            name {BYTES} NOT NULL,
            file_id TEXT NOT NULL,
            PRIMARY KEY (job_id, number)
        ) {CLUSTERED}""",
    ),
    (
        """CREATE TABLE passkeys (
            credential_id {BYTES} PRIMARY KEY,
            account_id TEXT NOT NULL,
            public_key {BYTES} NOT NULL,
            sign_count {BIG} NOT NULL,
            name TEXT NOT NULL,
            created_ms {BIG} NOT NULL,
            used_ms {BIG}
        )""",
        "CREATE INDEX passkeys_by_account ON passkeys (account_id, created_ms)",
        "ALTER TABLE sessions ADD COLUMN operator_id TEXT NOT NULL DEFAULT ''",
    ),
    ("CREATE INDEX keys_by_expiry ON keys (account_id, expires_ms) WHERE expires_ms IS NOT NULL",),
    (
        # Accounts on trial: when that ends, and the account that asked for it.
        "ALTER TABLE accounts ADD COLUMN trial_ends_ms {BIG}",
        "ALTER TABLE accounts ADD COLUMN trial_of TEXT",
        "CREATE INDEX accounts_by_trial_end ON accounts (trial_ends_ms) WHERE trial_ends_ms IS NOT NULL",
        "CREATE INDEX accounts_by_trial_of ON accounts (trial_of) WHERE trial_of IS NOT NULL",
    ),
    ("CREATE TABLE first_runs (account_id TEXT PRIMARY KEY)",),
    (
        """CREATE TABLE orphaned_rules (
            bucket_id TEXT NOT NULL,
            rule_id TEXT NOT NULL,
            account_id TEXT NOT NULL,
            bucket_name TEXT NOT NULL,
            rule TEXT NOT NULL,
            PRIMARY KEY (bucket_id, rule_id)
        ) {CLUSTERED}""",
        "CREATE INDEX orphaned_rules_by_account ON orphaned_rules (account_id)",
    ),
    (
        # An alert may come several times a day: its time is part of its key.
        """CREATE TABLE cap_alerts_by_time (
            account_id TEXT NOT NULL,
            category TEXT NOT NULL,
            day INTEGER NOT NULL,
            percent INTEGER NOT NULL,
            cap {BIG} NOT NULL,
            used {BIG} NOT NULL,
            at_ms {BIG} NOT NULL,
            is_over INTEGER NOT NULL DEFAULT 0,
            sent_ms {BIG},
            PRIMARY KEY (account_id, category, day, percent, cap, at_ms)
        ) {CLUSTERED}""",
        """INSERT INTO cap_alerts_by_time
            SELECT account_id, category, day, percent, cap, used, at_ms, is_over, sent_ms FROM cap_alerts""",
        "DROP TABLE cap_alerts",
        "ALTER TABLE cap_alerts_by_time RENAME TO cap_alerts",
        "CREATE INDEX cap_alerts_unsent ON cap_alerts (at_ms) WHERE sent_ms IS NULL",
        "ALTER TABLE caps ADD COLUMN files {BIG}",
        "ALTER TABLE own_caps ADD COLUMN files {BIG}",
        # Who is told of alerts, and what is on its way to them.
        """CREATE TABLE alert_settings (
            account_id TEXT PRIMARY KEY,
            document TEXT NOT NULL,
            wrapped_webhook {BYTES}
        )""",
        """CREATE TABLE notices (
            account_id TEXT NOT NULL,
            channel TEXT NOT NULL,
            at_ms {BIG} NOT NULL,
            notice_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            document TEXT NOT NULL,
            attempts {BIG} NOT NULL DEFAULT 0,
            due_ms {BIG} NOT NULL,
            error TEXT,
            PRIMARY KEY (account_id, channel, at_ms, notice_id)
        ) {CLUSTERED}""",
        """CREATE TABLE key_warnings (
            key_id TEXT PRIMARY KEY,
            days INTEGER NOT NULL,
            at_ms {BIG} NOT NULL
        )""",
        "CREATE INDEX keys_by_end ON keys (expires_ms) WHERE expires_ms IS NOT NULL",
    ),
    (
        """CREATE TABLE status_days (
            account_id TEXT NOT NULL,
            day INTEGER NOT NULL,
            class TEXT NOT NULL,
            call TEXT NOT NULL,
            status INTEGER NOT NULL,
            slot INTEGER NOT NULL,
            requests {BIG} NOT NULL,
            PRIMARY KEY (account_id, day, class, call, status, slot)
        ) {CLUSTERED}""",
        "CREATE INDEX status_days_unfolded ON status_days (day) WHERE slot <> 0",
        """CREATE TABLE bucket_call_days (
            account_id TEXT NOT NULL,
            day INTEGER NOT NULL,
            bucket_id TEXT NOT NULL,
            class TEXT NOT NULL,
            call TEXT NOT NULL,
            slot INTEGER NOT NULL,
            transactions {BIG} NOT NULL,
            succeeded {BIG} NOT NULL,
            redirected {BIG} NOT NULL,
            client_errors {BIG} NOT NULL,
            throttled {BIG} NOT NULL,
            server_errors {BIG} NOT NULL,
            PRIMARY KEY (account_id, day, bucket_id, class, call, slot)
        ) {CLUSTERED}""",
        "CREATE INDEX bucket_call_days_unfolded ON bucket_call_days (day) WHERE slot <> 0",
        """CREATE TABLE key_days (
            account_id TEXT NOT NULL,
            day INTEGER NOT NULL,
            key_id TEXT NOT NULL,
            slot INTEGER NOT NULL,
            downloaded {BIG} NOT NULL,
            uploaded {BIG} NOT NULL,
            class_a {BIG} NOT NULL,
            class_b {BIG} NOT NULL,
            class_c {BIG} NOT NULL,
            succeeded {BIG} NOT NULL,
            redirected {BIG} NOT NULL,
            client_errors {BIG} NOT NULL,
            throttled {BIG} NOT NULL,
            server_errors {BIG} NOT NULL,
            PRIMARY KEY (account_id, day, key_id, slot)
        ) {CLUSTERED}""",
        "CREATE INDEX key_days_unfolded ON key_days (day) WHERE slot <> 0",
        """CREATE TABLE deleted_keys (
            account_id TEXT NOT NULL,
            key_id TEXT NOT NULL,
            name TEXT NOT NULL,
            day INTEGER NOT NULL,
            PRIMARY KEY (account_id, key_id)
        ) {CLUSTERED}""",
        # What sums of many days by bucket are read from: see `bucket_days.py`.
        """CREATE INDEX bucket_days_by_bucket ON bucket_days
            (account_id, bucket_id, day, downloaded, uploaded, class_a, class_b, class_c)""",
        "CREATE INDEX bucket_storage_days_by_bucket ON bucket_storage_days (account_id, bucket_id, day, bytes)",
    ),
    (
        """CREATE TABLE members (
            account_id TEXT NOT NULL,
            email TEXT NOT NULL,
            member_id TEXT NOT NULL,
            role TEXT NOT NULL,
            bucket_ids TEXT,
            key_id TEXT NOT NULL,
            created_ms {BIG} NOT NULL,
            PRIMARY KEY (account_id, email)
        ) {CLUSTERED}""",
        "CREATE INDEX members_by_person ON members (member_id, account_id)",
        "ALTER TABLE sessions ADD COLUMN in_account TEXT NOT NULL DEFAULT ''",
    ),
    (
        # An alert may be about a bucket or a key: which one is part of its key.
        """CREATE TABLE cap_alerts_by_subject (
            account_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            subject_id TEXT NOT NULL,
            category TEXT NOT NULL,
            day INTEGER NOT NULL,
            percent INTEGER NOT NULL,
            cap {BIG} NOT NULL,
            at_ms {BIG} NOT NULL,
            subject_name TEXT NOT NULL,
            used {BIG} NOT NULL,
            is_over INTEGER NOT NULL DEFAULT 0,
            sent_ms {BIG},
            PRIMARY KEY (account_id, kind, subject_id, category, day, percent, cap, at_ms)
        ) {CLUSTERED}""",
        """INSERT INTO cap_alerts_by_subject
            SELECT account_id, 'account', '', category, day, percent, cap, at_ms, '', used, is_over, sent_ms FROM cap_alerts""",
        "DROP TABLE cap_alerts",
        "ALTER TABLE cap_alerts_by_subject RENAME TO cap_alerts",
        "CREATE INDEX cap_alerts_unsent ON cap_alerts (at_ms) WHERE sent_ms IS NULL",
        "CREATE INDEX buckets_with_caps ON bucket_documents (bucket_id) WHERE kind = 'caps'",
        """CREATE TABLE quotas (
            kind TEXT NOT NULL,
            subject_id TEXT NOT NULL,
            category TEXT NOT NULL,
            amount {BIG} NOT NULL,
            account_id TEXT NOT NULL,
            PRIMARY KEY (kind, subject_id, category)
        ) {CLUSTERED}""",
        "CREATE INDEX quotas_by_account ON quotas (account_id, kind, subject_id)",
    ),
    (
        # A cap may be soft, which is part of the key of its row and of its alerts.
        """CREATE TABLE cap_alerts_by_softness (
            account_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            subject_id TEXT NOT NULL,
            category TEXT NOT NULL,
            is_soft INTEGER NOT NULL,
            day INTEGER NOT NULL,
            percent INTEGER NOT NULL,
            cap {BIG} NOT NULL,
            at_ms {BIG} NOT NULL,
            subject_name TEXT NOT NULL,
            used {BIG} NOT NULL,
            is_over INTEGER NOT NULL DEFAULT 0,
            sent_ms {BIG},
            PRIMARY KEY (account_id, kind, subject_id, category, is_soft, day, percent, cap, at_ms)
        ) {CLUSTERED}""",
        """INSERT INTO cap_alerts_by_softness
            SELECT account_id, kind, subject_id, category, 0, day, percent, cap, at_ms, subject_name, used, is_over, sent_ms
            FROM cap_alerts""",
        "DROP TABLE cap_alerts",
        "ALTER TABLE cap_alerts_by_softness RENAME TO cap_alerts",
        "CREATE INDEX cap_alerts_unsent ON cap_alerts (at_ms) WHERE sent_ms IS NULL",
        """CREATE TABLE quotas_by_softness (
            kind TEXT NOT NULL,
            subject_id TEXT NOT NULL,
            category TEXT NOT NULL,
            is_soft INTEGER NOT NULL,
            amount {BIG} NOT NULL,
            account_id TEXT NOT NULL,
            PRIMARY KEY (kind, subject_id, category, is_soft)
        ) {CLUSTERED}""",
        """INSERT INTO quotas_by_softness
            SELECT kind, subject_id, category, 0, amount, account_id FROM quotas""",
        "DROP TABLE quotas",
        "ALTER TABLE quotas_by_softness RENAME TO quotas",
        "CREATE INDEX quotas_by_account ON quotas (account_id, kind, subject_id)",
    ),
    (
        # An account may have thousands of alerts a day, and they are kept for a year: who asks for those of today reads no others.
        "CREATE INDEX cap_alerts_by_day ON cap_alerts (day, account_id, is_over)",
        """CREATE INDEX cap_alerts_lasting ON cap_alerts (account_id)
            WHERE is_over = 0 AND category IN ('storage', 'files')""",
    ),
    (
        # Which hide markers were made at once, by their handles of 8 bytes, so that just that can be undone.
        """CREATE TABLE hidings (
            bucket_id TEXT NOT NULL,
            hiding_id TEXT NOT NULL,
            made_ms {BIG} NOT NULL,
            handles {BYTES} NOT NULL,
            PRIMARY KEY (bucket_id, hiding_id)
        )""",
    ),
    (
        # Events that wait no more: `number` is the entry of the rule's log that says what became of them.
        """CREATE TABLE past_events (
            bucket_id TEXT NOT NULL,
            rule_id TEXT NOT NULL,
            is_given_up INTEGER NOT NULL,
            number {BIG} NOT NULL,
            sequence {BIG} NOT NULL,
            first_sequence {BIG} NOT NULL,
            since_ms {BIG} NOT NULL,
            event_type TEXT NOT NULL,
            at_ms {BIG} NOT NULL,
            name {BYTES} NOT NULL,
            size {BIG},
            file_id TEXT NOT NULL,
            PRIMARY KEY (bucket_id, rule_id, is_given_up, number, sequence)
        ) {CLUSTERED}""",
        # Of events that wait to be sent again: the sequence that their ids are made of, and since when they wait.
        "ALTER TABLE outbox ADD COLUMN first_sequence {BIG}",
        "ALTER TABLE outbox ADD COLUMN again_ms {BIG}",
        # Of the server's options those that an operator chose in the console.
        "CREATE TABLE kept_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    ),
)

SCHEMA_VERSION = len(DELTAS)
