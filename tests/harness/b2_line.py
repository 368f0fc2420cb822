"""The official `b2` command line in each of its versions, with what each of its commands printed."""

from __future__ import annotations

import functools
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.clients import Client, b2_environment
from harness.server import Server, clean_environment

VERSIONS = ("b2v3", "b2v4", "b2v5")
_FORK_SERVER = Path(__file__).with_name("b2_fork_server.py")


class ForkServer:
    """One version of the command line, imported. Ends with `close`."""

    def __init__(self, version: str, folder: Path) -> None:
        self.version = version
        self._process = subprocess.Popen(
            [sys.executable, str(_FORK_SERVER), version],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**clean_environment(folder), "PYTHONWARNINGS": "ignore"},
        )

    def offers(self) -> set[str]:
        """The full names of all its commands."""
        return set(self._ask({}))

    def run(self, command: list[str], environment: dict[str, str], folder: Path, stdin: str | None) -> dict[str, Any]:
        """The exit code, `stdout` and `stderr` of a command."""
        order = {"command": command, "environment": environment, "folder": str(folder), "stdin": stdin}
        answer: dict[str, Any] = self._ask(order)
        return answer

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()

    def _ask(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process that imported {self.version} has ended"
        return json.loads(line)


class B2Line(Client):
    """One version of the command line on one server. It prints what it runs and what the client says to it.

    `ran` has the commands that have succeeded, without their arguments.
    """

    def __init__(self, forks: ForkServer, server: Server, home: Path, *, key: tuple[str, str] | None = None) -> None:
        settings = {"LANGUAGE": "C"}  # Spares each command looking for hundreds of translations.
        super().__init__(forks.version, home, b2_environment(server, home, key=key) | settings)
        self.version = forks.version
        self.ran: set[str] = set()
        self._forks = forks

    def says(self, command: str, *arguments: object, stdin: str | None = None) -> str:
        """What a command, given without its arguments, prints when it succeeds."""
        said = self.out(*command.split(), *arguments, stdin=stdin)
        self.ran.add(command)
        return said

    def shows(self, command: str, *arguments: object) -> Any:
        """The JSON that a command prints."""
        return json.loads(self.says(command, *arguments))

    def refuses(self, command: str, *arguments: object) -> str:
        """What a command writes to standard error when it fails."""
        return self.run(*command.split(), *arguments, expect=None).stderr

    def place(self, bucket: str, path: str = "") -> tuple[str, ...]:
        """The arguments by which `ls` and `rm` take a folder; they have changed after the third version."""
        if self.version == "b2v3":
            return (bucket, path) if path else (bucket,)
        return (f"b2://{bucket}/{path}",)

    def _execute(self, arguments: list[str], stdin: str | None, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """As a client of a process of its own does; how long the command may take is the test's own limit here."""
        command = [*self.command, *arguments]
        answer = self._forks.run(command, self.environment, self.home, stdin)
        print(f"$ {shlex.join([self.version, *arguments])}")  # noqa: T201 (what `pytest -s` shows)
        print(answer["stdout"] + answer["stderr"], end="")  # noqa: T201
        return subprocess.CompletedProcess(command, answer["code"], answer["stdout"], answer["stderr"])


def commands(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declares which commands a test with the fixture `line` runs with success, and holds it to that."""

    def declare(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def told(*, line: B2Line, **fixtures: Any) -> None:
            test(line=line, **fixtures)
            assert line.ran >= set(names), f"never ran {set(names) - line.ran}"

        told.commands = set(names)  # type: ignore[attr-defined]
        return told

    return declare
