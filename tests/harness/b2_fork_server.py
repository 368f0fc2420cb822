"""Imports one version of the `b2` command line once, and forks a process for each command that it is told to run.

Importing takes most of a second, and tests that run every command of every version would do little else. Each command runs
the version's own `main` in a process, environment and folder of its own and ends as it ends there. The program reads one
order a line and answers each with one line, both JSON; an empty order asks for the commands that there are.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn


def serve(version: str) -> None:
    """Runs commands until standard input ends."""
    program = importlib.import_module(f"b2._internal.{version}.registry")
    for line in sys.stdin:
        order = json.loads(line)
        if order:
            answer: Any = _run(program.main, order)
        else:
            answer = [*_commands(program.B2.create_parser(name=version, b2_binary_name=version))]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[str]:
    """The full names of the commands that a parser knows, without those that only lead to others."""
    branches = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not branches:
        yield name
    seen = set()
    for branch in branches:
        for word, below in branch.choices.items():
            if (
                id(below) not in seen
            ):  # Names in camel case, which the third version takes too, lead to the same parser.
                seen.add(id(below))
                yield from _commands(below, f"{name} {word}".strip())


def _run(main: Callable[[], None], order: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write((order["stdin"] or "").encode())
        given.seek(0)
        reader, writer = os.pipe()  # Not a file, since the client opens `/dev/stdout` anew, which would start it over.
        process = os.fork()
        if not process:
            os.close(reader)
            for stream, file in enumerate((given.fileno(), writer, said.fileno())):
                os.dup2(file, stream)
            _become(main, order)
        os.close(writer)
        with os.fdopen(reader, "rb") as output:
            stdout = output.read()
        _, status = os.waitpid(process, 0)
        said.seek(0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "stdout": stdout.decode(errors="replace"),
            "stderr": said.read().decode(errors="replace"),
        }


def _become(main: Callable[[], None], order: dict[str, Any]) -> NoReturn:
    """Ends this process as the command's."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(order["environment"])
        os.chdir(order["folder"])
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 (until it ends)
        sys.argv = order["command"]
        main()
    except SystemExit as stop:  # The parser's own, for a wrong argument.
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:  # noqa: BLE001 (what the interpreter does with it at the end of a process)
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
