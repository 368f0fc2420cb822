"""A lifecycle run over a bucket of very many versions: right to the last one, in small steps and little memory."""

from __future__ import annotations

import resource
import time
from contextlib import closing

import apsw
import pytest

from harness.asynchronous import asynchronous
from harness.lifecycle import DAY_MS, days, set_rules
from harness.stores import open_bench
from undercroft.catalog import lifecycle, usage, versions
from undercroft.catalog.sqlite import opened
from undercroft.store.work.lifecycle import DAILY

READ_TRANSACTION_MAX_S = 1.0
MEMORY_MAX_BYTES = 64 * 1024 * 1024
NAMES_OF = 10  # Versions a name, but for one name with a tenth of all versions.


def fill(folder, bucket_id, count, now_ms):
    """Put so many uploads of one inline byte into the bucket, one a minute back from now, so that a name's go back far."""
    crowded = count // 10
    names = (count - crowded) // NAMES_OF
    with closing(opened(folder / "catalog.db")) as catalog, catalog:
        catalog.execute(
            "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?1)"
            " INSERT INTO versions (bucket_id, name, inverted_ms, inverted_seq, handle, kind, born_ms, action, size,"
            " content_type, content_sha1, etag, info, received_ms, part_count)"
            " SELECT ?2, CASE WHEN n < ?3 THEN CAST('m-crowded' AS BLOB) ELSE"
            " CAST(printf('n%07d', (n - ?3) % ?4) AS BLOB) END, 60000 * n - ?5, -1, n + 1, 1, ?5 - 60000 * n, 1, 1,"
            " 'a/b', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', '', '{}', ?5 - 60000 * n, 0 FROM n",
            (count, bucket_id, crowded, names, now_ms),
        )
        catalog.execute(
            "INSERT INTO extents (bucket_id, handle, start, length, inline, inline_crc32c)"
            " SELECT bucket_id, handle, 0, 1, x'41', 0 FROM versions WHERE bucket_id = ?1",
            (bucket_id,),
        )
        catalog.execute(
            "INSERT INTO files (bucket_id, name, inverted_ms, inverted_seq)"
            " SELECT bucket_id, name, min(inverted_ms), -1 FROM versions WHERE bucket_id = ?1 GROUP BY name",
            (bucket_id,),
        )
        catalog.execute(
            "INSERT INTO usage_deltas (bucket_id, slot, versions, bytes) VALUES (?1, 9, ?2, ?2)", (bucket_id, count)
        )


def rows(folder, sql, *values):
    with closing(apsw.Connection(str(folder / "catalog.db"))) as catalog:
        return catalog.execute(sql, values).fetchall()


def expected_left(folder, bucket_id, cut_ms):
    """The handles that stay: the newest of each name, and what was the newest at some time after the cut."""
    return rows(
        folder,
        "SELECT handle FROM (SELECT handle, lag(received_ms) OVER (PARTITION BY name ORDER BY inverted_ms) AS newer_ms"
        " FROM versions WHERE bucket_id = ?1) WHERE newer_ms IS NULL OR newer_ms > ?2 ORDER BY handle",
        bucket_id,
        cut_ms,
    )


@pytest.mark.timeout(3600)
@asynchronous
async def test_a_run_over_very_many_versions_is_right_quick_and_small(tmp_path, full_size, record_property):
    count = 1_000_000 if full_size else 20_000
    async with open_bench(tmp_path) as bench:
        await bench.store.work.lifecycle.run(DAILY)
        bucket_id = bench.bucket.bucket_id
        fill(tmp_path, bucket_id, count, bench.clock.ms)
        delete_days = max(1, count // 1440 // 4)  # The newest quarter of all versions came in these days.
        await set_rules(bench, days(delete=delete_days))
        bench.clock.ms += DAY_MS
        left = expected_left(tmp_path, bucket_id, bench.clock.ms - delete_days * DAY_MS)
        assert 0 < len(left) < count // 2
        slowest_s = 0.0
        genuine = bench.catalog.scan

        async def scan(query):
            async def timed(snapshot):
                nonlocal slowest_s
                # Of its own thread's time: that of the wall is the machine's, too.
                began_s = time.thread_time()
                answer = await query(snapshot)
                slowest_s = max(slowest_s, time.thread_time() - began_s)
                return answer

            return await genuine(timed)

        bench.catalog.scan = scan
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        began_s = time.perf_counter()
        said = await bench.store.work.lifecycle.apply(bench.bucket, dry_run=True)
        dry_run_s = time.perf_counter() - began_s
        turns, slowest_turn_s = 1, 0.0
        began_s = turn_s = time.perf_counter()
        while await bench.store.work.lifecycle.run(DAILY):
            turns += 1
            slowest_turn_s, turn_s = max(slowest_turn_s, time.perf_counter() - turn_s), time.perf_counter()
        run_s = time.perf_counter() - began_s
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - memory
        assert rows(tmp_path, "SELECT handle FROM versions WHERE bucket_id = ?1 ORDER BY handle", bucket_id) == left
        assert rows(tmp_path, "SELECT handle FROM extents WHERE bucket_id = ?1 ORDER BY handle", bucket_id) == left
        run = await lifecycle.find(bench.catalog.rows)
        assert (run.looked_at, run.deleted) == (count, count - len(left))
        assert (said.looked_at, said.deleted) == (count, count - len(left))
        assert (await usage.of_bucket(bench.catalog.rows, bucket_id))[:2] == (len(left), len(left))
        names = await bench.catalog.scan(lambda r: versions.visible(r, bucket_id, b"", b"\xff", count))
        assert (
            len(names)
            == rows(tmp_path, "SELECT count(DISTINCT name) FROM versions WHERE bucket_id = ?1", bucket_id)[0][0]
        )
        figures = (
            f"{count} versions: dry run {dry_run_s:.1f} s; run {run_s:.1f} s, {run.deleted} deleted, {turns} turns,"
            f" the longest {slowest_turn_s:.2f} s; longest read {slowest_s * 1000:.0f} ms; memory +{memory >> 20} MiB"
        )
        record_property("figures", figures)
        print(figures)  # noqa: T201 - the figures of the note.
        assert slowest_s < READ_TRANSACTION_MAX_S
        assert memory < MEMORY_MAX_BYTES
