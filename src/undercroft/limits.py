"""Every limit of the program, named, in bytes, milliseconds, seconds or counts, with its source.

A limit that a protocol fixes names the document; a limit that is ours says what it protects.
"""

KIB = 1024
MIB = 1024 * KIB

# -- Names and metadata (B2 Native API, "Files" and "Buckets") --------------------------------------------------------
BUCKET_NAME_MIN_LENGTH = 6
BUCKET_NAME_MAX_LENGTH = 63
FILE_NAME_MAX_BYTES = 1024
FILE_ID_MAX_LENGTH = 200
FILE_INFO_KEY_MAX_BYTES = 50
FILE_INFO_MAX_BYTES = 7000  # The file name and all file info together, as headers.
FILE_INFO_MAX_ENTRIES = 100  # Ours, for the console: B2 says ten, and both protocols here judge by bytes.
FILE_INFO_SECURED_MAX_BYTES = 2048  # The same where the file is encrypted, or its bucket has Object Lock.
BUCKET_INFO_MAX_ENTRIES = 10
BUCKET_INFO_VALUE_MAX_BYTES = 10_000
CONTENT_TYPE_MAX_BYTES = 1024
KEY_NAME_MAX_LENGTH = 100
BUCKETS_PER_ACCOUNT = 100
LIFECYCLE_RULES_PER_BUCKET = 100
RETENTION_MAX_DAYS = 36_500  # Ours: S3 documents a hundred years, B2 no limit.
RETENTION_MAX_YEARS = 100
RETAIN_UNTIL_MAX_MS = 253_402_300_799_999  # The end of the year 9999, the last that ISO 8601 can write.
REPLICATION_RULES_PER_BUCKET = 25  # Ours: B2 documents no number. A file is held against each of them.
REPLICATION_SOURCES_PER_BUCKET = 1000  # Ours: keys of sources that a destination knows.
REPLICATION_PRIORITY_MAX = 2**31 - 1
CORS_RULES_PER_BUCKET = 100
CORS_RULE_MAX_BYTES = 1000
CORS_ID_MAX_LENGTH = 255  # Of S3's ID of a rule, in characters: S3 API, PutBucketCors.
CORS_MAX_AGE_S = 86_400
CORS_REQUEST_HEADERS_MAX = 64  # Ours: header names that a preflight may ask for, since each is held against every rule.
CORS_POLICIES_REMEMBERED = 256  # Ours: buckets whose rules a face keeps ready for matching.
BUCKETS_PER_KEY = 1000  # Ours: a key's row stays small.

# -- Sizes of files and parts (B2 Native API, "Large Files"; S3 "Multipart upload limits") ----------------------------
UPLOAD_MAX_BYTES = 5 * 1024 * MIB  # 5 GiB, the newer text of both protocols.
COPY_MAX_BYTES = 5 * 1024 * MIB
LARGE_FILE_MAX_BYTES = 10_000_000_000_000
PART_NUMBER_MAX = 10_000
NATIVE_PART_MIN_BYTES = 5_000_000
S3_PART_MIN_BYTES = 5_000_000  # B2's S3 face counts in decimal; AWS wants 5 MiB, which satisfies this too.
RECOMMENDED_PART_BYTES = 100_000_000

# -- Lists ------------------------------------------------------------------------------------------------------------
NATIVE_LIST_DEFAULT = 100
NATIVE_LIST_MAX = 10_000
NATIVE_UNFINISHED_MAX = 100
S3_LIST_MAX = 1000
S3_DELETE_OBJECTS_MAX = 1000
S3_BUCKETS_MAX = 10_000  # ListBuckets, "max-buckets".
NAMES_LOOKED_UP_MAX = 1000  # Ours: names whose versions are counted in one call, …
VERSIONS_COUNTED_MAX = 100  # … and how far each, here and on pages of folders.
FOLDER_PAGE = 100  # Ours, as what follows: rows of a folder that a page of the console has.
FOLDER_SORTED_FILES = (
    100_000  # Files in a folder and beneath it, up to which all of it is put in order by size or time; …
)
FOLDER_SORTED_NAMES = 10_000  # … with more, so many of its names.
FOLDER_OLDER_SHOWN = 10  # Older versions of a name that a folder shows beneath it, …
FOLDER_UNFINISHED_SHOWN = 10  # … and unfinished large files of one name.
SEARCH_PAGE_NAMES = 2000  # Names that a search reads at once, …
SEARCH_STEP_NAMES = 20_000  # … and looks at before it says how far it came: about 30 ms.
FIND_FOUND_MAX = 20  # Files of each bucket that the search of all buckets shows.
SEARCH_FOUND_MAX = 200  # Files that one step of a search shows.
CONTENTS_PAGE_VERSIONS = 1000  # The same when it is counted what a folder has.
CONTENTS_STEP_VERSIONS = 10_000
SELECTION_PAGE_NAMES = 1000
SELECTION_MAX = 10_000  # Versions that one request changes; more is for a job.
SELECTION_NOTED = 10  # Files of a selection that the audit log names.
HIDING_UNDONE_WITHIN_S = 3600  # For so long it is kept which markers the hiding of a selection made, …
HIDINGS_KEPT_OF_BUCKET = 20  # … and of so many of them, of 80 KB at most.
SELECTION_AT_ONCE = 64  # Of these beside one another: they share a commit.
UNHIDE_MARKERS_MAX = 100  # Hide markers on top of each other that one un-hiding removes.

# -- Keys and tokens --------------------------------------------------------------------------------------------------
KEY_VALID_MAX_S = 86_399_999
ACCOUNT_TOKEN_VALID_S = 86_400
UPLOAD_TOKEN_VALID_S = 86_400
DOWNLOAD_GRANT_VALID_MAX_S = 604_800
SIGNING_KEY_ROTATES_AFTER_S = 30 * 86_400
SIGNING_KEY_VALID_S = 38 * 86_400
PRESIGN_VALID_MAX_S = 604_800
SHARE_VALID_MAX_S = 3650 * 86_400  # Ours, as what follows: a link that is to live longer lives for ever.
SHARE_DOWNLOADS_MAX = 1_000_000
SHARES_PER_BUCKET = 10_000
SHARES_SHOWN_OF_FILE = 100
SHARE_KEPT_S = 30 * 86_400  # For so long a link that has expired is shown as one.
SHARE_PASSWORD_MIN_LENGTH = (
    4  # It is told from one to another, and guards one file, not an account; the next two guard it.
)
SHARE_TRIES_MAX = 10  # Passwords that may be tried of one link …
SHARE_TRIES_WINDOW_S = 900  # … within this; then nobody gets in before it is over.
ZIP_FILES_MAX = 100_000  # Files of one zip: about 200 bytes of memory each, for its directory, …
ZIP_PATHS_MAX_BYTES = 16 * MIB  # … and their paths in it.
ZIP_LOOKED_AT_MAX = 200_000  # Files that are looked at for one, in it or not.
ZIPS_AT_ONCE = 12  # In one process, …
ZIPS_PER_ACCOUNT = 3  # … of one account.
ZIP_BLOCK_BYTES = 256 * KIB
ZIP_NOTED_MAX = 1000  # Files that the note in a zip names, of those that were left out.
CONSOLE_GRANT_VALID_S = (
    3600  # How long an address is good that the console gives its user, for a download or to look at.
)
FOLDER_SIZE_STEPS = 30  # Steps of counting in one request: about a second.
PREVIEW_TEXT_BYTES = 128 * KIB  # As much of a text is shown, …
PREVIEW_TABLE_ROWS = 200  # … or so many rows of a table.
VERSIONS_SHOWN = 50  # Versions of a file that its details list on a page.
LOCKED_NAMED = 8  # Versions that a deletion names one by one, since it cannot remove them.
EXPORT_PAGE = 1000  # Rows that a table to keep reads at once.
SHARES_PAGE = 50
SHARE_GRANT_VALID_S = (
    900  # How long the address is good that a link leads to: for beginning and going on with a download.
)
CLOCK_SKEW_MAX_S = 900

CUSTOMER_KEY_TEXT_MAX_LENGTH = 64  # Ours: base64 of 32 bytes has 44 characters.
MASTER_KEYS_MAX_BYTES = 4 * KIB  # Ours: the file of the master key; one line has 45 bytes.

# -- Storage engines --------------------------------------------------------------------------------------------------
FRAME_BYTES = 64 * KIB
BLOB_MAX_BYTES = 64 * MIB  # A longer body becomes several blobs; SeaweedFS wants the same size.
INLINE_MAX_BYTES = 64 * KIB  # Up to here a body lives in the SQLite catalog itself.
DISK_RESERVE_BYTES = 64 * MIB  # Uploads are refused below this much free space, so that deletes still have room (P12).
DISK_SPARE_BYTES = 8 * MIB  # Kept in a file, for deletes on a disk that others have filled to the last byte (P13).
DISK_SPACE_TRUSTED_S = 0.1  # How long one look at the free space serves; between looks our own writes are subtracted.
DISK_SPACE_TRUSTED_BYTES = 8 * MIB  # How much a process writes before it looks again: other processes write too.
BLOB_READ_MAX_BYTES = MIB  # One read of a blob (P9).
BLOB_FRAMES_MAX = 65_536  # Format 1: the checksums of one blob, read as a whole when it is opened, stay below 256 KiB.
BLOB_STAGING_BYTES = MIB  # How much of a blob gathers in memory before it is written, past the page cache.
BLOB_STAGING_KEPT = 4  # Such pieces of memory that a process keeps for the next writers.
BLOB_INLINE_READ_MAX_BYTES = 256 * KIB  # Up to here a read is tried on the event loop, from memory: 50 to 100 µs.
BLOB_THREADS = 16  # Mostly waiting for the disk; syncs of several files share one flush when they wait together.
OPEN_BLOBS_MAX = 4096  # File descriptors of blobs in one process, one for each of CONNECTIONS_PER_WORKER.
GROUP_COMMIT_MAX_WRITES = 64
GROUP_COMMIT_MAX_BYTES = 4 * MIB
GROUP_COMMIT_MAX_S = 0.005
RECLAIM_GRACE_S = 60  # Downloads that began before a delete may still open the blob.
RECLAIM_BATCH = 500
ORPHAN_AGE_S = 18 * 3600  # P4: orphan blobs go within a day.
INLINE_KEY_USES = 65_536  # Small files that one data key serves for (docs/decisions/010).
INLINE_KEYS_REMEMBERED = 1024  # Such keys that a process keeps ready for reading, 1 KiB each.
REWRAP_PAGE = (
    500  # Extents whose data keys get under a new master key in one transaction; a small file is rewritten whole.
)
LIFECYCLE_PAGE = 2000  # Versions that a lifecycle run looks at in one read transaction: about 20 ms.
LIFECYCLE_TRANSACTION_WEIGHT = 100  # Versions that it changes in one, fewer where they have parts or many extents.
LIFECYCLE_TURN_PAGES = 50  # How many pages it looks at, …
LIFECYCLE_TURN_CHANGES = 2000  # … or about how much it changes, before the steward may end and others may write.
LIFECYCLE_NEWER_MAX = (
    1000  # How many newer versions, received out of their order, it looks through for one that is old.
)
LIFECYCLE_SIMULATED_MAX = (
    200_000  # Versions that a page of the console looks at to tell what rules would do: two seconds.
)
LIFECYCLE_SHOWN_MAX = 1000  # Versions that the command names one by one.
LIFECYCLE_INTERVAL_MAX_S = 7 * 86_400
REPLICATION_LOOK_S = 1.0  # How soon a version that comes to wait is seen: a point read each time.
REPLICATION_LEASE_S = 15.0
REPLICATION_QUEUES_AT_ONCE = 50  # Rules that a turn of the replication works on.
REPLICATION_BATCH = 200  # Versions of a rule that one transaction looks at, …
REPLICATION_TRANSACTION_WEIGHT = 100  # … and how many it replicates, fewer where they have parts or many extents.
REPLICATION_TURN_STEPS = 20  # Transactions of one rule before the next one has its turn.
REPLICATION_WALK_PAGE = 200  # Existing versions that are put into a rule's queue in one transaction.
REPLICATION_WAIT_MIN_S = (
    5  # A rule that is refused as a whole is tried again after this, doubled at each refusal in a row …
)
REPLICATION_WAIT_MAX_S = 600  # … up to this.
REPLICATION_REFUSED_MAX_S = 3600  # What waits under a rule that has been refused for so long fails, …
REPLICATION_RETRY_S = 86_400  # … and what has failed is tried again after this, as B2 does.
REPLICATION_TARGETS_PER_ACCOUNT = 100
TARGET_KEY_MAX_LENGTH = 200
REPLICATION_REMOTE_AT_ONCE = 4  # Rules to other installations that are worked on beside each other.
REPLICATION_REMOTE_TURN = 50  # Versions of such a rule before it makes way for others.
REPLICATION_REMOTE_PART_BYTES = (
    8 * MIB
)  # What is larger is sent in parts of this size, larger ones if they were too many.
REPLICATION_REMOTE_CALL_S = 60.0
REPLICATION_REMOTE_UPLOAD_S = 600.0  # What an upload may take, so about 14 KB/s at least, …
REPLICATION_REMOTE_UPLOAD_BYTES_S = 100_000  # … or as long as this rate takes, where that is longer.
REPLICATION_REMOTE_ANSWER_BYTES = 512 * KIB  # A bucket with all its rules, a page of parts or versions.
REPLICATION_REMOTE_PAGE = 20  # Versions of a name, parts and unfinished files that are asked for at once, …
REPLICATION_REMOTE_PAGES_MAX = 500  # … and how often, at most.
REPLICATION_SHOWN_MAX = 1000  # Failures that the command names one by one.
PAST_LOOKED_AT_MAX = 20_000  # Versions that one page of a list of the past looks at: about 0.1 s.
PAST_DAYS_LOOKED_AT_MAX = 20_000
JOBS_UNENDED_PER_ACCOUNT = 20
JOBS_KEPT_PER_ACCOUNT = 100  # Of those that have ended, the latest.
JOB_LATELY_S = 10 * 60  # For how long pages tell of a job that has ended.
JOBS_LATELY_SHOWN = 20
JOB_REMARKS_MAX = 1000  # Versions that a job lists one by one.
JOB_REMARKS_SHOWN = 100
JOB_LOOK_S = 0.5  # How soon a new job is seen: a point read each time.
JOB_LEASE_S = 15.0
JOBS_LOOKED_AT = 1000
JOB_ACCOUNTS_AT_ONCE = 20  # Accounts that have a turn of one of their jobs before the steward may end.
JOB_PAGE = 2000  # Versions that a job looks at in one read transaction.
JOB_TRANSACTION_WEIGHT = 100  # Versions that it changes in one, fewer where they have parts or many extents.
JOB_INLINE_UNIT_BYTES = 8 * KIB  # What a clone has in its row and weighs as much as a version.
JOB_PURGE_VERSIONS_MAX = (
    1000  # Versions of one name that a move removes in one transaction; of more, the name is hidden.
)
JOB_PURGE_WEIGHT = 10  # What those of one name weigh, since nobody has counted them.
JOB_TURN_PAGES = 20  # How many pages it looks at, …
JOB_TURN_CHANGES = 500  # … or about how much it changes, before another account has its turn.
SNAPSHOT_VALID_DAYS = (1, 7, 30, 90, 365)  # How long one may be kept, if not for ever.
SNAPSHOT_NAMES_MAX = 1000  # Files and folders that one is of …
SNAPSHOT_NAMES_MAX_LENGTH = 64 * KIB  # … whose names are in the row of its job.
SNAPSHOT_PART_BYTES = 100_000_000  # With 10,000 parts, a snapshot has at most 1 TB.
SNAPSHOTS_AT_ONCE = 4  # In the steward, one of an account.
SNAPSHOTS_PAGE = 1000  # That are read at once, …
SNAPSHOTS_SHOWN = 1000  # … and how many the console shows, of the newest.
SNAPSHOT_SOURCE_MAX_LENGTH = 300
SNAPSHOT_ABANDONED_DAYS = 7  # After which the parts go of one that nobody finishes.
SNAPSHOT_LEASE_S = 60.0
JOB_SURVEY_MAX = 20_000  # Versions that are counted before a job is confirmed; of more, nobody waits for the sum.

# -- The web console (ours) -------------------------------------------------------------------------------------------
SESSION_IDLE_S = 12 * 3600  # A session that is not used for so long is over, …
SESSION_MAX_S = 30 * 86_400  # … and each one is after this.
SESSION_SEEN_S = 60  # How exactly it is known when a session was last used: a write at most this often.
ACTING_MAX_S = 3600  # So long an operator acts for somebody at a time.
ACTING_REASON_MAX_LENGTH = 200
PASSKEYS_PER_ACCOUNT = 20
PASSKEY_CHALLENGE_VALID_S = 5 * 60  # So long somebody may look for the authenticator.
SESSIONS_PER_ACCOUNT = 100  # One more ends the one that was not used for longest.
USER_AGENT_MAX_LENGTH = 300
CONSOLE_FORM_MAX_BYTES = 1 * MIB
CONSOLE_OPEN_FORM_MAX_BYTES = 64 * KIB  # Of who is not signed in, so that thousands of them have room.
CONSOLE_REQUESTS_AT_ONCE = 8  # Of one account in one process; more wait, …
CONSOLE_REQUESTS_WAITING_MAX = 64  # … but no more than these.
CONSOLE_FORM_FIELDS_MAX = 5000  # A page of a table with every row chosen.
CONSOLE_LANGUAGES_MAX = 100
CONSOLE_LANGUAGE_MAX_BYTES = 4 * MIB  # Of a file of translations; one that has everything takes a tenth.
CONSOLE_LANGUAGES_REMEMBERED = 256  # Wishes of browsers whose answer is kept.
ACCEPT_LANGUAGE_MAX_BYTES = 200  # A wish that is longer counts as none.

# -- Uploads from the browser (ours) ----------------------------------------------------------------------------------
BROWSER_PART_BYTES = 8 * MIB  # What is larger goes in parts of this size, or of more where they would be too many.
BROWSER_PARTS_AT_ONCE = 4

# -- People: signing in, second factors, links, mail, the audit log (ours) -------------------------------------------------
PASSWORD_MIN_LENGTH = 12  # Of those that people choose in the console; the operator's commands take 8.
PASSWORD_GUESSES_MIN = 10**8  # By zxcvbn's count. Fewer is a password that is tried first.
PASSWORDS_AT_ONCE = 1  # That one process hashes, with 64 MiB and four threads each, …
PASSWORDS_WAITING_MAX = 64  # … and that wait for it: some seconds. More are refused.
PASSWORD_LOOKED_AT = 72  # Characters that are held against lists of passwords: zxcvbn's time grows with the square.
ATTEMPTS_WINDOW_S = 15 * 60  # Attempts are counted for so long from the first, …
SIGN_IN_ATTEMPTS_OF_ACCOUNT = 20  # … this many for an e-mail address, with or without an account, …
SIGN_IN_ATTEMPTS_OF_ADDRESS = 60  # … and this many from an IPv4 address or an IPv6 network of 64 bits.
CODE_ATTEMPTS_OF_ACCOUNT = 10  # Six digits, three of them right at a time: a chance of 1 in 30,000 a window.
RESETS_OF_ACCOUNT = 3  # Mails about a forgotten password.
SIGN_UPS_OF_ADDRESS = 20
CODE_STEP_S = 30  # RFC 6238, 5.2.
CODE_STEPS_AROUND = 1  # How far a clock may be off, in steps (RFC 6238, 5.2).
RECOVERY_CODES = 10
TRUSTED_BROWSER_VALID_S = 30 * 86_400
KNOWN_BROWSER_VALID_S = 30 * 86_400  # Below SIGNING_KEY_VALID_S.
TRUSTED_BROWSERS_PER_ACCOUNT = 20
SIGN_IN_CODE_VALID_S = 10 * 60  # How long the second step of a sign-in may take.
RESET_LINK_VALID_S = 60 * 60
NEW_EMAIL_LINK_VALID_S = 60 * 60
NEW_EMAILS_OF_ACCOUNT = 5  # Links in `ATTEMPTS_WINDOW_S`, to whatever addresses; to one of them `RESETS_OF_ACCOUNT`.
INVITATION_VALID_S = 7 * 86_400
INVITATIONS_OPEN_MAX = 1000
ACCOUNT_NAME_MAX_LENGTH = 100
TERMS_MAX_BYTES = 256 * KIB
MAIL_TIMEOUT_S = 30.0
MAILS_WAITING_MAX = 100  # Mails that one process has not handed over yet; more are dropped, and logged.
MEMBERS_PER_ACCOUNT = 200  # With those who are invited and have not come yet.
MEMBERSHIPS_PER_PERSON = 100
MEMBERS_INVITED_OF_ACCOUNT = 50  # In `ATTEMPTS_WINDOW_S`, where they are mailed; to one address `RESETS_OF_ACCOUNT`.
AUDIT_KEPT_DAYS = 400
AUDIT_ROWS_PER_ACCOUNT = 50_000  # Of more, the oldest go: nobody drives out what is known of others.
AUDIT_REFUSALS_PER_ACCOUNT = 10_000  # Of these: whoever may do nothing does not drive out what was done.
AUDIT_REFUSALS_PER_HOUR = 20  # Of one key's calls, by one process; of further ones their number is told with the next.
AUDIT_REFUSED_KEYS_KEPT = 1000  # For which a process counts them at once.
AUDIT_PRUNED_AT_ONCE = 2000  # Rows in one transaction.
AUDIT_TEXT_MAX_LENGTH = 500  # Of a target, and of what else is told.
AUDIT_CHANGES_MAX_BYTES = 4 * KIB  # Of one entry, with the settings that were changed before and after.

# -- Accounting (ours) ------------------------------------------------------------------------------------------------
KEYS_EXPIRING_SHOWN_MAX = 100  # Of more, those that expire last are told of later.
KEY_USES_GATHERED = 10_000  # Keys whose last use waits in a process to be written down.
ACCOUNTING_FLUSH_S = 2.0  # Counts gather in memory for this long: what a kill loses, and how late workers learn caps.
ACCOUNTING_BATCH = 500  # Rows that are folded, and accounts that are looked at, in one transaction.
ACCOUNTING_KEPT_DAYS = 400  # A year and the month that is compared with it.
ACCOUNTING_REPORT_MAX_DAYS = ACCOUNTING_KEPT_DAYS + 1
ACCOUNTING_KEYS_PER_DAY = 1000  # Keys of an account that a process counts apart on a day; others count as one.
REPORT_PAGE_ROWS = 1000  # Days of buckets that are read, and written into a file, at a time.
PRICE_MAX = 1_000_000  # A slip of the hand rather than a price.
CAP_MAX = 2**62  # Sums of what was used and what is asked for stay within 64 bits.
QUOTAS_PER_ACCOUNT = 3000  # Caps by the day and soft limits: workers read all caps every `ACCOUNTING_FLUSH_S`.
CAP_ALERTS_SHOWN_MAX = 1000
CAP_ALERT_OFTEN = 5  # So often a day the same alert is raised: what goes up and down all day is no news.
CAP_ALERTS_SENT_AT_ONCE = 100  # In one request to a webhook, and in one letter.
CAP_ALERT_NEWS_S = 86_400  # An alert that could not be sent for so long is no news any more.
CAP_ALERTS_RAISED_AT_ONCE = 200  # In one transaction: some 15 ms.
CAP_ALERTS_TOLD = 20  # Alerts of an account in a day: nobody floods others' letterboxes by changing caps.
KEY_WARNINGS_TOLD = 50  # So many keys of an account are warned of a day; the console's page of keys shows all of them.
ALERT_THRESHOLDS_MAX = 5  # Percentages of one cap.
ALERT_ADDRESSES_MAX = 5  # Besides the account's own.
ALERT_ADDRESSES_ASKED_OF_ACCOUNT = 20  # Letters in `ATTEMPTS_WINDOW_S`; to one address `RESETS_OF_ACCOUNT`.
TEST_ANSWER_SHOWN = 2000  # Characters of what a webhook answers to a test, on pages.
ALERT_TESTS_OF_ACCOUNT = 10  # In `ATTEMPTS_WINDOW_S`.
UNSUBSCRIBE_LINK_VALID_S = 60 * 86_400  # As long as somebody may look for the last letter.
NOTICES_LOOK_S = 2.0  # How often the steward looks for notices.
NOTICES_AT_ONCE = 16  # A mail server or webhook that does not answer holds up no other channel …
NOTICES_OF_ACCOUNT_AT_ONCE = 3  # … and nobody's hold up those of others.

# -- Access logs (ours) -----------------------------------------------------------------------------------------------
ACCESS_LOG_WRITE_S = 10.0  # Lines gather in memory for this long, or until a process has …
ACCESS_LOG_WRITE_BYTES = 1 * MIB  # … so many bytes of them.
ACCESS_LOG_GATHERED_MAX_BYTES = 4 * MIB  # More of them, while others are being written, are dropped.
ACCESS_LOG_VALUE_MAX_BYTES = 2048  # What a client made up, a path or an agent, is cut off after so many bytes.

# -- Groups (B2, "Business Groups" and Partner API) -------------------------------------------------------------------
GROUP_MEMBERS_MAX = 5000
GROUP_LIST_MAX = 100
MEMBER_LIST_MAX = 1000
GROUP_NAME_MAX_LENGTH = 100  # Ours.
TRIAL_DAYS_MIN, TRIAL_DAYS_MAX = 7, 30
TRIAL_TB_MIN, TRIAL_TB_MAX = 1, 50  # Of 10^12 bytes.
TRIALS_AT_ONCE_MAX = 100  # Ours: accounts that one request makes.
TRIALS_MAX = 5000  # Ours, as a group's members: trial accounts that somebody has made, those too that have ended.
TRIALS_ENDED_AT_ONCE = 100  # Ours: by the steward, before it looks again.
TRIAL_LOOK_S = 10.0  # Ours: how late an end may be noticed.

# -- Requests and connections (ours: P9, every input is bounded) ------------------------------------------------------
HEADER_COUNT_MAX = 256
CONTENT_LENGTH_DIGITS_MAX = 20  # Those of 2**64 - 1. Python reads no number of more than 4,300.
HEADERS_MAX_BYTES = 64 * KIB
HOSTS_CACHED = 64  # Host headers of which a process remembers what they mean.
HEADER_NAMES_CACHED = 512  # Sets of names of headers in answers: their characters are looked at once.
URL_MAX_BYTES = 16 * KIB
HEADERS_TIMEOUT_S = 30.0
KEEP_ALIVE_S = 75.0
BODY_STALL_TIMEOUT_S = 60.0  # A body of which nothing arrives for this long is cut off.
SEND_STALL_TIMEOUT_S = 60.0  # A client that reads nothing for this long is cut off.
UPLOAD_MAX_DURATION_S = 12 * 3600  # Must stay below ORPHAN_AGE_S.
DOCUMENT_MAX_DURATION_S = 300.0  # A JSON or XML body that dribbles in for longer than this is cut off.
DRAIN_MAX_BYTES = 16 * MIB  # How much of a refused body is read so that the client sees the answer.
DRAIN_TIMEOUT_S = 5.0
CONNECTIONS_PER_WORKER = 4096
JSON_BODY_MAX_BYTES = 1 * MIB
XML_BODY_MAX_BYTES = 2 * MIB
XML_DEPTH_MAX = 32
XML_TAGS_MAX = 128 * KIB  # Ten thousand parts with a checksum each have 80,002.
AWS_CHUNK_LINE_MAX_BYTES = 1 * KIB
AWS_CHUNK_MIN_BYTES = 8192
AWS_TRAILERS_MAX_BYTES = 4 * KIB
S3_METADATA_MAX_BYTES = 7000
GRACEFUL_STOP_S = 30.0

# -- Connections and processes (ours) ---------------------------------------------------------------------------------
PIPELINED_REQUESTS_MAX = 16  # Requests that one connection may have waiting behind the one being answered.
DEADLINE_CHECK_S = (
    5.0  # How late a connection's deadline may be noticed; one timer a connection instead of two a request.
)
RECEIVE_BUFFER_BYTES = 64 * KIB  # A connection is not read from while this much of a body waits for its reader.
SEND_BUFFER_BYTES = 256 * KIB  # A response is not produced while this much of it waits for the client.
LISTEN_BACKLOG = 2048
LISTENERS_MAX = 8  # Addresses that one host name may resolve to.
WORKERS_MAX = 128
TRUSTED_PROXIES_MAX = 64
CONFIG_FILE_MAX_BYTES = 1 * MIB
DATA_LOCK_WAIT_S = 2.0  # A server that was just killed takes this long at most to leave its data directory.
RESTART_BACKOFF_MIN_S = 0.1  # A process that crashed is started again after this, doubled at each crash in a row …
RESTART_BACKOFF_MAX_S = 10.0  # … up to this, …
RESTART_BACKOFF_FORGET_S = 60.0  # … and from the beginning once it has lived this long.
METRICS_FLUSH_S = 1.0  # Counts gather in memory and reach the shared files this often: no file write a request.
METRICS_COUNTERS_BYTES = 256 * KIB  # Room in the shared files of one process for every face, operation and status; …
METRICS_HISTOGRAMS_BYTES = 1 * MIB  # … with all of them used, about half of it is.
METRICS_GAUGES_BYTES = 64 * KIB
READY_TIMEOUT_S = 5.0  # How long /readyz waits for the store.
STOP_REPEATED_S = 1.0  # timeout(1) sends SIGTERM to a process and to its group: what comes this soon is one wish.
KILL_MARGIN_S = 2.0  # After the graceful stop, time for a process to close its store before it is killed.
COLLECT_AFTER_ALLOCATIONS = 20_000  # Objects made and not yet freed before the garbage collector looks.
MEMORY_TRIM_S = 10.0  # How often a process gives back to the system what the C library keeps.
KEPT_SETTING_MAX_LENGTH = 300  # Of an option that is chosen in the console: a host name has up to 253 characters.
PREPARED_MAX_BYTES = 1 * MIB  # What the preparing process may say to the supervisor.
PASSWORD_INPUT_MAX_BYTES = 4 * KIB

# -- Signature Version 4 (ours) ---------------------------------------------------------------------------------------
QUERY_COMPONENTS_CACHED = 1024  # Short ones, encoded for signatures; a client repeats its credential.
TOKENS_REMEMBERED = 1024  # Tokens that a process need not prove again, 3 KiB each at most.
SIGNING_KEYS_CACHED = 4096  # One a credential, day and region; a miss costs four HMACs.
CANONICAL_REQUEST_SHOWN_MAX_BYTES = 8 * KIB  # A longer one is left out of the answer to a wrong signature.
REGION_MAX_LENGTH = 64  # Any region is accepted, but it becomes part of a cached key.

# -- Native API documents ---------------------------------------------------------------------------------------------
LIFECYCLE_DAYS_MAX = 2**31 - 1  # Ours: the day counts of B2 are 32-bit numbers in its own SDK.

# -- Test hooks (ours) ------------------------------------------------------------------------------------------------
TEST_MODES_CACHED = 1024  # Texts of X-Bz-Test-Mode that are remembered as read, and modes whose requests are counted.
TEST_TOKENS_COUNTED = 4096  # Account tokens whose uses are counted.
TEST_SEED_MAX = 2**63 - 1

# -- Event notifications and connections to targets -------------------------------------------------------------------
NOTIFICATION_RULES_PER_BUCKET = 25  # B2 Native API, "Event Notifications", as the next four.
NOTIFICATION_BATCH_MAX = 50
NOTIFICATION_HEADERS_MAX = 10
NOTIFICATION_HEADERS_MAX_BYTES = 2048  # Names and values, and 3 for each header.
NOTIFICATION_SECRET_LENGTH = 32
TARGET_URL_MAX_BYTES = 2048  # Ours, as all that follows.
TARGET_TIMEOUT_S = 10.0  # From the look-up of the name to the end of the answer.
TARGET_LOOKUPS_AT_ONCE = 64
TARGET_HEADERS_MAX_BYTES = 16 * KIB
TARGET_ANSWER_MAX_BYTES = 16 * KIB  # More of an answer's body is not read.
DELIVERY_LOOK_S = 0.5  # How often the steward looks for events that are due.
DELIVERY_LEASE_S = 5.0  # How long the events of a steward that was killed wait for the next one.
DELIVERY_RULES_AT_ONCE = 32  # A target that does not answer holds up no other rule.
DELIVERY_RULES_OF_ACCOUNT_AT_ONCE = 8  # Nobody's targets hold up those of others.
DELIVERY_TURN_BATCHES = 100  # What one rule may have delivered before others that wait come in between.
DELIVERY_BACKOFF_MIN_S = 1.0  # After a failed delivery the rule waits so long, doubled at each failure in a row …
DELIVERY_BACKOFF_MAX_S = 900.0  # … up to this.
DELIVERY_SUSPEND_AFTER_S = 24 * 3600  # A rule whose deliveries all failed for so long is suspended, …
DELIVERY_SUSPEND_ATTEMPTS = 20  # … if there were so many: a clock that jumps suspends nobody.
EVENT_KEPT_S = 7 * 86_400  # An event that could not be delivered for so long is dropped.
EVENTS_WAITING_MAX = 100_000  # Events of one rule that may wait; of more, the oldest are dropped.
EVENTS_DROPPED_AT_ONCE = 2000  # In one transaction.
# What was delivered or given up can be sent again for so long: a receiver that was down over a weekend, or lost what it had, …
PAST_EVENTS_KEPT_S = 30 * 86_400
# … and so many given-up events of one rule, as many as may wait: some 25 MB of names of usual length. What was delivered is kept
# with the log of deliveries, so at most DELIVERIES_LOGGED times NOTIFICATION_BATCH_MAX events of a rule.
EVENTS_GIVEN_UP_MAX = EVENTS_WAITING_MAX
EVENTS_PAGE_MAX = 100  # Events of an entry of the log that are shown, and may be chosen, at once.
# Of deleted buckets of an account, while their last events wait; what more would wait is dropped.
ORPHANED_RULES_MAX = 1000
DELIVERIES_LOGGED = 100  # The latest of each rule.
