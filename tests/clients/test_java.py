"""The AWS SDK for Java 2 and Backblaze's own SDK for Java: a small Maven project beside this file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.builds import built_once, run_build, run_scenario
from harness.client_calls import JAVA, asked
from harness.server import Server, clean_environment

PROJECT = Path(__file__).with_name("java")
pytestmark = [
    pytest.mark.skipif(not (shutil.which("mvn") and shutil.which("java")), reason="Maven is not installed"),
    pytest.mark.timeout(900),
]


def _build(folder: Path) -> None:
    run_build(["mvn", "-q", "-B", "-f", PROJECT / "pom.xml", f"-Dbuild.folder={folder}", "compile"], folder)


@pytest.fixture
def classpath(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where Java finds the compiled project and the SDKs."""
    folder = built_once(tmp_path_factory, "java", _build)
    return os.pathsep.join([str(folder / "classes"), (folder / "classpath.txt").read_text()])


def _environment(server: Server, home: Path) -> dict[str, str]:
    return {**clean_environment(home), "KEY_ID": server.key_id, "APPLICATION_KEY": server.application_key}


def test_aws_sdk_puts_gets_lists_uploads_in_parts_and_presigns(
    server: Server, bucket: str, classpath: str, home: Path
) -> None:
    command = ["java", "-cp", classpath, "undercroft.Scenario", server.s3_endpoint, server.region, bucket]
    run_scenario(command, _environment(server, home), home)


def test_backblaze_sdk_makes_every_call_it_has(
    tls_server: Server, classpath: str, new_name: Callable[[str], str], home: Path
) -> None:
    trusted = home / "trusted.p12"  # The SDK speaks nothing but HTTPS.
    run_build(
        ["keytool", "-importcert", "-noprompt", "-file", tls_server.ca_file, "-keystore", trusted,
         "-storepass", "changeit"],
        home,
    )  # fmt: skip
    trust = (f"-Djavax.net.ssl.trustStore={trusted}", "-Djavax.net.ssl.trustStorePassword=changeit")
    command = ["java", *trust, "-cp", classpath, "undercroft.B2Scenario", tls_server.api_url, new_name("word")]
    with asked(tls_server, JAVA):
        run_scenario(command, _environment(tls_server, home), home)
