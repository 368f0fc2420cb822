"""`make bench` works: at a tiny size, against Undercroft alone, it does every kind of work and makes every kind of result."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = (  # One of each kind; the others differ in numbers alone.
    "get-16", "put-1", "head-16", "delete-16", "put-1g", "get-1g", "aws-up", "s5cmd-up", "b2-sync", "copy-5g",
    "get-16-tls", "list-4k", "peak",
)  # fmt: skip


def run_bench(folder, *options):
    return subprocess.run(
        [
            sys.executable, ROOT / "bench/compare.py", "--quick", "--peers", "none", "--folder", folder / "work",
            "--out", folder / "out", *options,
        ],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "tests"), "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"},
        check=False,
    )  # fmt: skip


@pytest.mark.timeout(600)  # It starts a dozen programs, which takes minutes on a machine with much else to do.
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed (Debian: apt-get install wrk)")
def test_a_tiny_measurement_of_undercroft_alone_gives_a_complete_table(tmp_path):
    done = run_bench(tmp_path, "--only", ",".join(ROWS))

    assert done.returncode == 0, done.stderr
    (document, picture, data) = sorted(
        (tmp_path / "out").iterdir(), key=lambda path: ".md .svg .json".index(path.suffix)
    )
    result = json.loads(data.read_text())
    assert {row["key"] for row in result["rows"]} == set(ROWS)
    assert all(row["servers"]["undercroft"]["value"] > 0 for row in result["rows"])
    assert all(row["label"] in text for row in result["rows"] for text in (done.stdout, document.read_text()))
    assert result["left_out"]["rclone"] == "not asked for"
    drawn = "".join(ET.parse(picture).getroot().itertext())
    assert all(row["label"] in drawn for row in result["rows"])
    assert not list((tmp_path / "work").iterdir()), "it left data behind"
    running = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    assert not [command for command in running if str(tmp_path) in command], "it left processes behind"


@pytest.mark.parametrize(
    ("options", "word"), [(("--only", "no-such-row"), "there is no row"), (("--peers", "nobody"), "known are rclone")]
)
def test_what_it_does_not_know_is_refused_with_what_it_knows(tmp_path, options, word):
    done = run_bench(tmp_path, *options)

    assert (done.returncode, word in done.stderr) == (1, True)
