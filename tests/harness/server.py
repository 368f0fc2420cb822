"""A real `undercroft serve` in a process group of its own, on free ports of the loopback address."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

COMMAND = str(Path(sys.executable).with_name("undercroft"))
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 40.0  # The server gives requests in flight 30 s.
POLL_S = 0.02


class ServerFailed(Exception):
    """The server did not start, or did not stop as it promises. The message has the end of its log."""


def free_port() -> int:
    """A port of the loopback address that nobody listens on at present."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of a subprocess: a home of its own, and nothing of the caller's credentials, proxies or settings."""
    search = [str(Path(sys.executable).parent), *os.environ.get("PATH", os.defpath).split(os.pathsep)]
    kept = {name: os.environ[name] for name in ("JAVA_HOME", "TMPDIR", "COVERAGE_PROCESS_START") if name in os.environ}
    return {"PATH": os.pathsep.join(search), "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC", **kept}


def run_command(*arguments: str, stdin: str = "", home: Path, timeout_s: float = 60.0) -> dict[str, Any]:
    """Runs an `undercroft` command with `--json` and gives back its one JSON object."""
    done = subprocess.run(
        [COMMAND, *arguments, "--json"],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=clean_environment(home),
        check=False,
    )
    if done.returncode:
        raise ServerFailed(f"undercroft {arguments} exited with {done.returncode}: {done.stderr[-4000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@dataclass
class Server:
    """One installation: a data directory, and the processes that serve it while it is started.

    The system chooses its ports at the first start, and later starts keep them. A test that gives `--public-url` has to give
    the ports too, since they are read from the URLs that the server announces. Credentials come from the first start and are kept over later ones, which do not print them again.
    """

    data_dir: Path
    options: tuple[str, ...] = ()
    ca_file: Path | None = None  # Set together with the TLS options: what clients should trust.
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    console_port: int = 0
    announcement: dict[str, Any] = field(default_factory=dict)  # The JSON object of the latest start.
    start_seconds: float = 0.0
    _secrets: dict[str, Any] = field(default_factory=dict)
    _process: subprocess.Popen[str] | None = None

    @property
    def log_file(self) -> Path:
        """Where its standard error goes, over all its starts."""
        return self.data_dir.with_name(self.data_dir.name + ".log")

    @property
    def api_url(self) -> str:
        """Scheme, host and port that serve both protocols."""
        return str(self.announcement["apiUrl"]).rstrip("/")

    @property
    def s3_endpoint(self) -> str:
        """What S3 clients call the endpoint URL."""
        return str(self.announcement["s3Endpoint"]).rstrip("/")

    @property
    def console_url(self) -> str:
        """Scheme, host and port of the console."""
        return str(self.announcement["consoleUrl"]).rstrip("/")

    @property
    def region(self) -> str:
        """The region's name."""
        return str(self.announcement["region"])

    @property
    def account_id(self) -> str:
        """The first account; also the id of its master application key."""
        return str(self.announcement["accountId"])

    master_key_id = account_id

    @property
    def master_application_key(self) -> str:
        """The secret of the master application key."""
        return str(self._secrets["masterApplicationKey"])

    @property
    def key_id(self) -> str:
        """The id of a key with every capability, which works in both protocols."""
        return str(self._secrets["keyId"])

    @property
    def application_key(self) -> str:
        """The secret of that key."""
        return str(self._secrets["applicationKey"])

    @property
    def pid(self) -> int:
        """The process id of the supervisor."""
        return self._running().pid

    def start(self) -> Server:
        """Starts the server and returns when it is ready. Fails with the end of its log."""
        assert self._process is None, "already started"
        began = time.monotonic()
        log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
        home = self.data_dir.with_name(self.data_dir.name + ".home")
        home.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("a") as log:
            self._process = subprocess.Popen(
                [
                    COMMAND, "serve", "--json", "--data", str(self.data_dir),
                    "--listen", f"127.0.0.1:{self.port}", "--console-listen", f"127.0.0.1:{self.console_port}",
                    *self.options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**clean_environment(home), **self.environment},
                start_new_session=True,
            )  # fmt: skip
        try:
            self.announcement = self._read_announcement()
            if "applicationKey" in self.announcement:
                self._secrets = self.announcement
            self.port = self.port or urlsplit(self.api_url).port or 0
            self.console_port = self.console_port or urlsplit(self.console_url).port or 0
            self.wait_ready()
            self._wait_serving(log_start)
        except BaseException:
            self.kill()
            raise
        self.start_seconds = time.monotonic() - began
        return self

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Returns when `/readyz` answers 200. Raises ServerFailed after the timeout or when the server has ended."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._running().poll() is not None:
                raise ServerFailed(f"ended with {self._running().returncode} before it was ready\n{self.log_tail()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get("/readyz")[0] == 200:
                    return
            time.sleep(POLL_S)
        raise ServerFailed(f"not ready after {timeout_s} s\n{self.log_tail()}")

    def _wait_serving(self, log_start: int) -> None:
        """Returns when the supervisor says that every process is ready; `/readyz` speaks for one of them."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while '"event": "serving"' not in self.log_file.read_text(errors="replace")[log_start:]:
            if time.monotonic() > deadline or self._running().poll() is not None:
                raise ServerFailed(f"not all processes became ready\n{self.log_tail()}")
            time.sleep(POLL_S)

    def get(self, path: str, *, console: bool = False) -> tuple[int, bytes]:
        """Status and body of a plain GET."""
        url = urlsplit(self.console_url if console else self.api_url)
        connection: http.client.HTTPConnection
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=str(self.ca_file))
            connection = http.client.HTTPSConnection(url.netloc, timeout=5, context=context)
        else:
            connection = http.client.HTTPConnection(url.netloc, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()

    def stop(self) -> None:
        """Asks the server to stop (SIGTERM) and checks that it does so in good order, leaving no process behind."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(f"did not stop within {STOP_TIMEOUT_S} s\n{self.log_tail()}") from None
        left = [member.pid for member in psutil.process_iter() if _group_of(member.pid) == process.pid]
        self._forget()
        if code:
            raise ServerFailed(f"stopped with exit code {code}\n{self.log_tail()}")
        if left:
            raise ServerFailed(f"left processes behind: {left}\n{self.log_tail()}")

    def kill(self) -> None:
        """Kills every process of the server at once, as a power cut would."""
        process = self._running()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._forget()

    def children(self) -> list[psutil.Process]:
        """The processes under the supervisor, oldest first."""
        found: list[tuple[float, int, psutil.Process]] = []
        for child in psutil.Process(self.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # It may end while it is looked at.
                found.append((child.create_time(), child.pid, child))
        return [child for _, _, child in sorted(found, key=lambda one: one[:2])]

    @property
    def is_started(self) -> bool:
        """Whether `start` was called since the last stop or kill."""
        return self._process is not None

    def exit_code(self) -> int | None:
        """The supervisor's exit code, or None while it runs."""
        return self._running().poll()

    def log_tail(self, characters: int = 6000) -> str:
        """The end of what the server wrote to standard error."""
        return self.log_file.read_text(errors="replace")[-characters:] if self.log_file.exists() else ""

    def faults(self) -> list[str]:
        """What the server itself logged as an error: there is none while clients alone make mistakes."""
        if not self.log_file.exists():
            return []
        lines = self.log_file.read_text(errors="replace").splitlines()
        return [line for line in lines if '"level": "error"' in line or '"level": "critical"' in line]

    def create_account(self, email: str, password: str = "a long enough password") -> dict[str, Any]:
        """Another account, made by the command line while the server runs."""
        return run_command(
            "account", "create", "--data", str(self.data_dir), "--email", email, "--password-stdin",
            stdin=password + "\n",
            home=self.data_dir.parent,
        )  # fmt: skip

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "not started"
        return self._process

    def _forget(self) -> None:
        process = self._running()
        if process.stdout is not None:
            process.stdout.close()
        self._process = None

    def _read_announcement(self) -> dict[str, Any]:
        """The one JSON object on standard output, however it is laid out in lines."""
        process = self._running()
        assert process.stdout is not None
        watchdog = threading.Timer(START_TIMEOUT_S, process.kill)
        watchdog.start()
        text = ""
        try:
            for line in process.stdout:
                text += line
                with contextlib.suppress(json.JSONDecodeError):
                    announcement: dict[str, Any] = json.loads(text)
                    return announcement
        finally:
            watchdog.cancel()
        raise ServerFailed(f"printed no JSON object but {text!r}\n{self.log_tail()}")


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1
