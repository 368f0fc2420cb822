"""The AWS SDK for Java 2: a small Maven project beside this file."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.server import Server, clean_environment

PROJECT = Path(__file__).with_name("java")
BUILD_TIMEOUT_S = 600  # The first build of a machine downloads the SDK.


@pytest.mark.skipif(not (shutil.which("mvn") and shutil.which("java")), reason="Maven is not installed")
@pytest.mark.timeout(900)
def test_java_sdk_puts_gets_lists_uploads_in_parts_and_presigns(server: Server, bucket: str, tmp_path: Path) -> None:
    built = subprocess.run(
        ["mvn", "-q", "-B", "-f", PROJECT / "pom.xml", f"-Dbuild.folder={tmp_path}", "compile"],
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    classpath = os.pathsep.join([str(tmp_path / "classes"), (tmp_path / "classpath.txt").read_text()])
    ran = subprocess.run(
        ["java", "-cp", classpath, "undercroft.Scenario", server.s3_endpoint, server.region, bucket],
        capture_output=True,
        text=True,
        timeout=120,
        env={**clean_environment(tmp_path), "KEY_ID": server.key_id, "APPLICATION_KEY": server.application_key},
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr + server.log_tail()
    assert ran.stdout.endswith("all done\n")
