"""Undercroft as one of the servers under measurement, started by the tests' harness."""

from __future__ import annotations

import threading
from pathlib import Path

from targets import StartFailed, Target

import undercroft
from harness.certificates import Certificates
from harness.server import Server, ServerFailed


class Undercroft(Target):
    """`undercroft serve` with its defaults."""

    name = "undercroft"
    title = "Undercroft"
    durability = "synced to disk before the answer"

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        super().__init__(folder, certificates)
        self._server = Server(folder / "data")
        self._starting: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def version(self) -> str:
        """The package's."""
        return undercroft.__version__

    @property
    def pid(self) -> int:
        """The supervisor."""
        return self._server.pid

    @property
    def port(self) -> int:
        """The API's."""
        return self._server.port

    @property
    def data_dir(self) -> Path:
        """Its data directory."""
        return self._server.data_dir

    def launch(self) -> None:
        """The first time it returns when the server is ready, since its credentials and port come from that start."""
        certificates = self.certificates
        tls = ("--tls-cert", str(certificates.cert_file), "--tls-key", str(certificates.key_file))
        self._server.options = tls if self.tls else ()
        self._server.ca_file = self.ca_file
        if not self._server.port:
            self._server.start()
            self.key_id, self.application_key = self._server.key_id, self._server.application_key
            self.region = self._server.region
        else:
            self._failure = None
            self._starting = threading.Thread(target=self._start)
            self._starting.start()

    def _start(self) -> None:
        try:
            self._server.start()
        except (ServerFailed, OSError, AssertionError) as failure:
            self._failure = failure

    def check_launch(self) -> None:
        """Raises `StartFailed` with the harness's reason."""
        if self._failure is not None:
            raise StartFailed(str(self._failure))

    def stop(self) -> None:
        """In good order, which the harness checks."""
        if self._starting is not None:
            self._starting.join()
            self._starting = None
        if self._server.is_started:
            self._server.stop()
