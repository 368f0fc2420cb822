"""A server under measurement: how it is started, stopped and asked, and what its processes use.

Each keeps its ports and its data directory over restarts, with and without TLS. Each has the attributes by which
`harness.clients` tells a real client of a server.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import ssl
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import boto3
import psutil
from botocore.config import Config
from signing import presigned

from harness.certificates import Certificates
from harness.server import clean_environment, free_port

BUCKET = "benchmark"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0  # What a peer leaves undone then is not measured.
POLL_S = 0.005


class Invalid(Exception):
    """A measurement that does not count, because the server did not do the work. The message says what it did instead."""


class StartFailed(Exception):
    """The server cannot be measured at all. The message says why."""


class Target(ABC):
    """One server. Started by `start`, ended by `stop`, both as often as one likes."""

    name: ClassVar[str]
    title: ClassVar[str]
    durability: ClassVar[str]  # What an answer to a PUT means, for the table.
    speaks_tls: ClassVar[bool] = True
    region: str = "us-east-1"
    key_id: str = "benchmark"
    application_key: str = "benchmark-secret-of-one-run"

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.folder = folder
        self.certificates = certificates
        self.tls = False
        self.peak_pss_bytes = 0
        self._prepared: set[str] = set()
        folder.mkdir(parents=True)

    @property
    @abstractmethod
    def version(self) -> str:
        """As the program itself says it."""

    @property
    @abstractmethod
    def pid(self) -> int:
        """The top of its tree of processes."""

    @property
    @abstractmethod
    def port(self) -> int:
        """Where it speaks S3."""

    @abstractmethod
    def launch(self) -> None:
        """Begins to start it; it need not serve yet."""

    @abstractmethod
    def stop(self) -> None:
        """Ends it and all its processes, if it runs."""

    @abstractmethod
    def check_launch(self) -> None:
        """Raises `StartFailed` where what `launch` began has failed."""

    @property
    def s3_endpoint(self) -> str:
        """What S3 clients call the endpoint URL."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    api_url = s3_endpoint

    @property
    def ca_file(self) -> Path | None:
        """What clients should trust."""
        return self.certificates.ca_file if self.tls else None

    def start(self, *, tls: bool = False) -> float:
        """Starts it and returns the seconds until it had served a signed request, a list of buckets."""
        self.tls = tls
        began = time.monotonic()
        self.launch()
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("GET", self.sign("GET", ["/"])[0])[0] == 200:
                    self.check_launch()
                    return time.monotonic() - began
            self.check_launch()
            if time.monotonic() - began > START_TIMEOUT_S:
                raise StartFailed(f"served nothing within {START_TIMEOUT_S:.0f} s")
            time.sleep(POLL_S)

    def sign(self, method: str, paths: list[str], query: dict[str, str] | None = None) -> list[str]:
        """Presigned paths, in the order of `paths`."""
        credentials = {"region": self.region, "key_id": self.key_id, "secret": self.application_key}
        return list(presigned(method, f"127.0.0.1:{self.port}", paths, query=query, **credentials))

    def connect(self, timeout_s: float = 600) -> http.client.HTTPConnection:
        """A connection, which the caller closes."""
        if self.tls:
            context = _context(self.certificates.ca_file)
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout_s, context=context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of one request over a connection of its own."""
        with contextlib.closing(self.connect(timeout_s=30)) as connection:
            connection.request(method, path, body=body or None)
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    @contextlib.contextmanager
    def client(self) -> Iterator[Any]:
        """A boto3 client of it, path style, that tries once. Its connections are closed at the end: a server that stops may
        wait for them.
        """
        made = boto3.client(
            "s3",
            endpoint_url=self.s3_endpoint,
            region_name=self.region,
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.application_key,
            verify=None if self.ca_file is None else str(self.ca_file),
            config=Config(
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 1},
                read_timeout=300,
                request_checksum_calculation="when_required",
            ),
        )
        with contextlib.closing(made):
            yield made

    def prepare(self, what: str, how: Callable[[], object]) -> None:
        """Does this piece of preparation, unless it has been done already."""
        if what not in self._prepared:
            how()
            self._prepared.add(what)

    def processes(self) -> list[psutil.Process]:
        """Its processes at present."""
        try:
            top = psutil.Process(self.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise Invalid(f"{self.name} has ended") from None

    def cpu_s(self) -> float:
        """User and system seconds of all its processes, those that have ended too where their parent waited for them."""
        total = 0.0
        for number, process in enumerate(self.processes()):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
                if number == 0:
                    total += times.children_user + times.children_system
        return total

    def pss_bytes(self) -> int:
        """The memory of all its processes, what several share counted once (PSS)."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(OSError):  # It may end while it is looked at.
                rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
                total += sum(int(line.split()[1]) << 10 for line in rollup.splitlines() if line.startswith("Pss:"))
        self.peak_pss_bytes = max(self.peak_pss_bytes, total)
        return total


class Peer(Target):
    """Another server: a program on the path, in a process group of its own, logging beside its data."""

    program: ClassVar[str]

    def __init__(self, folder: Path, certificates: Certificates, program: str) -> None:
        super().__init__(folder, certificates)
        self.data = folder / "data"
        self.data.mkdir()
        self._program = program
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """How it is started."""

    def environment(self) -> dict[str, str]:
        """Variables that it needs."""
        return {}

    def tls_options(self, certificate: str, key: str) -> list[str]:
        """The options of these names for the certificate and its key, where it is to speak TLS."""
        if not self.tls:
            return []
        return [f"{certificate}={self.certificates.cert_file}", f"{key}={self.certificates.key_file}"]

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self._process is not None, f"{self.name} is not started"
        return self._process.pid

    @property
    def port(self) -> int:
        """Fixed for the whole measurement."""
        return self._port

    def _run(self, *arguments: str) -> str:
        """Runs the program to its end and gives back what it says."""
        done = subprocess.run(
            [self._program, *arguments],
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
            env={**clean_environment(self.folder), **self.environment()},
            cwd=self.folder,
            check=False,
        )
        if done.returncode:
            raise StartFailed(f"{self.program} {arguments[0]} failed: {(done.stderr or done.stdout).strip()[-300:]}")
        return done.stdout or done.stderr

    def launch(self) -> None:
        """Starts the program."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**clean_environment(self.folder), **self.environment()},
                cwd=self.folder,
                start_new_session=True,
            )

    def check_launch(self) -> None:
        """Raises `StartFailed` with the end of its log when it has ended."""
        assert self._process is not None
        if self._process.poll() is not None:
            end = (self.folder / "log").read_text(errors="replace").strip()[-300:]
            raise StartFailed(f"ended with {self._process.returncode}: {end}")

    def stop(self) -> None:
        """Asks it to stop, and kills what is left of its process group."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None


@lru_cache
def _context(ca_file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca_file))
