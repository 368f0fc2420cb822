"""The peers: how each is started as its own documents say, on the loopback address, with its data in its folder.

None of them is told to do less than it does by default, and none to do more: what an answer to a PUT means with each is
in its `durability`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

from targets import Peer

from harness.certificates import Certificates
from harness.server import free_port


class Rclone(Peer):
    """`rclone serve s3` over a folder: a file an object."""

    name = "rclone"
    title = "rclone serve s3"
    program = "rclone"
    durability = "not synced"

    @property
    def version(self) -> str:
        """As `rclone version` says it."""
        return _number(self._run("version", "--config", ""))

    def command(self) -> list[str]:
        """The authentication and the address; all else is its default."""
        tls = self.tls_options("--cert", "--key")
        keys = f"{self.key_id},{self.application_key}"
        address = f"127.0.0.1:{self.port}"
        return ["serve", "s3", "--config", "", "--auth-key", keys, "--addr", address, *tls, str(self.data)]


class SeaweedFS(Peer):
    """`weed server -s3`: master, volume server, filer and S3 gateway in one process."""

    name = "seaweedfs"
    title = "SeaweedFS"
    program = "weed"
    durability = "not synced"

    def __init__(self, folder: Path, certificates: Certificates, program: str) -> None:
        super().__init__(folder, certificates, program)
        self._ports = {part: (free_port(), free_port()) for part in ("master", "volume", "filer")}
        self._s3_grpc_port = free_port()
        identity = {
            "name": "benchmark",
            "credentials": [{"accessKey": self.key_id, "secretKey": self.application_key}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))

    @property
    def version(self) -> str:
        """As `weed version` says it."""
        return _number(self._run("version"))

    def command(self) -> list[str]:
        """Ports and credentials; more volumes than by default, since a bucket takes several at once."""
        ports = [
            option
            for part, (port, grpc) in self._ports.items()
            for option in (f"-{part}.port={port}", f"-{part}.port.grpc={grpc}")
        ]
        return [
            "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.data}", *ports,
            "-volume.max=100", "-volume.preStopSeconds=0", "-master.telemetry=false", "-s3", f"-s3.port={self.port}",
            f"-s3.port.grpc={self._s3_grpc_port}", "-s3.port.iceberg=0", f"-s3.config={self.folder / 's3.json'}",
            *self.tls_options("-s3.cert.file", "-s3.key.file"),
        ]  # fmt: skip


class VersityGW(Peer):
    """`versitygw posix`: a file an object, its metadata in extended attributes."""

    name = "versitygw"
    title = "Versity Gateway"
    program = "versitygw"
    durability = "not synced"

    @property
    def version(self) -> str:
        """As `versitygw --version` says it."""
        return _number(self._run("--version"))

    def environment(self) -> dict[str, str]:
        """Its credentials."""
        return {"ROOT_ACCESS_KEY_ID": self.key_id, "ROOT_SECRET_ACCESS_KEY": self.application_key}

    def command(self) -> list[str]:
        """Connections are kept open, as all others keep theirs; no log line a request."""
        tls = self.tls_options("--cert", "--key")
        return ["--port", f"127.0.0.1:{self.port}", "--keep-alive", "--quiet", *tls, "posix", str(self.data)]


class MinIO(Peer):
    """`minio server` on one folder."""

    name = "minio"
    title = "MinIO"
    program = "minio"
    durability = "file synced before the answer"

    @property
    def version(self) -> str:
        """As `minio --version` says it."""
        return _number(self._run("--version"))

    def environment(self) -> dict[str, str]:
        """Its credentials; no call home."""
        return {
            "MINIO_ROOT_USER": self.key_id,
            "MINIO_ROOT_PASSWORD": self.application_key,
            "MINIO_UPDATE": "off",
            "MINIO_BROWSER": "off",
        }

    def command(self) -> list[str]:
        """The certificate is found by its name in a folder."""
        certificates = self.folder / "certs"
        certificates.mkdir(exist_ok=True)
        names = (("public.crt", self.certificates.cert_file), ("private.key", self.certificates.key_file))
        for name, source in names:
            (certificates / name).unlink(missing_ok=True)
            if self.tls:
                shutil.copyfile(source, certificates / name)
        address = f"127.0.0.1:{self.port}"
        return ["server", "--quiet", "--address", address, "--certs-dir", str(certificates), str(self.data)]


ALL: tuple[type[Peer], ...] = (Rclone, SeaweedFS, MinIO, VersityGW)


def find(kind: type[Peer]) -> str | None:
    """The peer's program: beside this interpreter, where the packages of the benchmark put theirs, or on the path."""
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return shutil.which(kind.program, path=search)


def _number(text: str) -> str:
    """The version in what a program says of itself."""
    found = re.search(r"RELEASE\.\S+|DEVELOPMENT\.\S+|\d+\.\d+(\.\d+)*", text)
    return found[0] if found else "unknown"
