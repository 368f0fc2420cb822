"""The supervisor: starts the processes of the server, starts them again when they crash, and stops them together.

It is one thread that waits for signals, and holds no loop, no connection and no database, so that forking from it at any time
is safe. What the processes do is none of its business: a `Role` is a name and a function.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import FrameType

import structlog

from undercroft import limits
from undercroft.serve import children, exits

_log = structlog.get_logger(__name__)

Ready = Callable[[], None]


@dataclass(frozen=True)
class Role:
    """One process to keep running. `run` calls its argument when it is ready, and returns the exit code.

    `sockets` are those it accepts connections on; it closes the others of the server.
    """

    name: str
    run: Callable[[Ready], int]
    sockets: Sequence[socket.socket] = ()


@dataclass
class _Process:
    """A role and its present incarnation."""

    role: Role
    pid: int | None = None
    started_at: float = 0.0
    start_at: float | None = None  # When to start it again.
    backoff_s: float = limits.RESTART_BACKOFF_MIN_S
    was_ready: bool = False
    restarts: int = field(default=0)


class Supervisor:
    """Runs roles until it is told to stop. `sockets` are all listening sockets, which it closes when it stops."""

    def __init__(
        self,
        roles: Iterable[Role],
        *,
        sockets: Sequence[socket.socket] = (),
        on_ready: Callable[[], None] = lambda: None,
        on_end: Callable[[int], None] = lambda _pid: None,
        grace_s: float = limits.GRACEFUL_STOP_S + limits.KILL_MARGIN_S,
    ) -> None:
        """`on_ready` is called once, when every role is ready; `on_end` with the id of each process that ended."""
        self._processes = [_Process(role) for role in roles]
        self._sockets = sockets
        self._on_ready = on_ready
        self._on_end = on_end
        self._grace_s = grace_s
        self._all_ready = False
        self._exit_code: int | None = None  # Set when stopping.
        self._kill_at: float | None = None
        self._asked_again_from = 0.0  # When another SIGTERM is a second wish, and not the first one delivered twice.
        self._signals_in, self._signals_out = socket.socketpair()
        self._ready_in, self._ready_out = os.pipe()

    def run(self) -> int:
        """Start everything and return the exit code when everything has ended.

        0 after SIGTERM or SIGINT; 74 when a process ended with a fatal storage error, which stops the others at once; 1 when
        a process gave up before the server was ready for the first time.
        """
        self._signals_in.setblocking(False)
        self._signals_out.setblocking(False)
        os.set_blocking(self._ready_in, False)
        signal.set_wakeup_fd(self._signals_out.fileno(), warn_on_full_buffer=False)
        for number in children.SIGNALS:
            signal.signal(number, _note)
        for process in self._processes:
            self._start(process)
        with selectors.DefaultSelector() as selector:
            selector.register(self._signals_in, selectors.EVENT_READ, self._read_signals)
            selector.register(self._ready_in, selectors.EVENT_READ, self._read_ready)
            while self._exit_code is None or any(process.pid for process in self._processes):
                for key, _ in selector.select(self._timeout()):
                    key.data()
                self._act_on_time()
        signal.set_wakeup_fd(-1)
        return self._exit_code

    # -- Waiting ------------------------------------------------------------------------------------------------------
    def _timeout(self) -> float | None:
        moments = [process.start_at for process in self._processes if process.start_at is not None]
        if self._kill_at is not None:
            moments.append(self._kill_at)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _act_on_time(self) -> None:
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            _log.error("stop_took_too_long", seconds=self._grace_s)
            self._signal_all(signal.SIGKILL)
        for process in self._processes:
            if process.start_at is not None and now >= process.start_at:
                self._start(process)

    def _read_signals(self) -> None:
        for number in self._signals_in.recv(4096):
            if number == signal.SIGCHLD:
                self._reap()
            elif number == signal.SIGHUP:
                _log.info("reloading_tls")
                self._signal_all(signal.SIGHUP)
            elif self._exit_code is None:
                _log.info("stopping", signal=signal.Signals(number).name)
                self._stop(exits.DONE)
            elif number == signal.SIGINT or time.monotonic() >= self._asked_again_from:
                _log.warning("stopping_at_once", signal=signal.Signals(number).name)
                self._signal_all(signal.SIGKILL)  # Asked a second time: now.

    def _read_ready(self) -> None:
        for index in os.read(self._ready_in, 4096):
            self._processes[index].was_ready = True
        if not self._all_ready and all(process.was_ready for process in self._processes):
            self._all_ready = True
            self._on_ready()

    # -- Processes ----------------------------------------------------------------------------------------------------
    def _start(self, process: _Process) -> None:
        process.start_at = None
        process.started_at = time.monotonic()
        index = self._processes.index(process)
        kept = {listener.fileno() for listener in process.role.sockets}
        close = [listener.fileno() for listener in self._sockets if listener.fileno() not in kept]
        close += [self._ready_in, self._signals_in.fileno(), self._signals_out.fileno()]
        process.pid = children.fork(
            process.role.name,
            lambda: process.role.run(lambda: _write_all(self._ready_out, bytes([index]))),
            close=close,
        )

    def _reap(self) -> None:
        while any(process.pid for process in self._processes):
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._on_end(pid)
            for process in self._processes:
                if process.pid == pid:
                    process.pid = None
                    self._ended(process, os.waitstatus_to_exitcode(status))

    def _ended(self, process: _Process, code: int) -> None:
        if code == exits.FATAL_STORAGE_EXIT:
            _log.critical("storage_failed", role=process.role.name)
            self._stop(exits.FATAL_STORAGE_EXIT)
            # What the disk holds is no longer known: nothing more may be acknowledged by anyone (P12).
            self._signal_all(signal.SIGKILL)
        elif self._exit_code is None:
            # One that was killed was not judged by itself: it may well succeed the next time.
            if not self._all_ready and not process.was_ready and code >= 0:
                _log.critical("start_failed", role=process.role.name, exit_code=code)
                self._stop(exits.FAILED)
                return
            now = time.monotonic()
            if now - process.started_at >= limits.RESTART_BACKOFF_FORGET_S:
                process.backoff_s = limits.RESTART_BACKOFF_MIN_S
            process.start_at = now + process.backoff_s
            process.restarts += 1
            _log.error(
                "process_ended",
                role=process.role.name,
                exit_code=code,
                restart_in_s=process.backoff_s,
                restarts=process.restarts,
            )
            process.backoff_s = min(2 * process.backoff_s, limits.RESTART_BACKOFF_MAX_S)

    def _stop(self, code: int) -> None:
        """Begin to stop; a worse reason that comes later decides the exit code."""
        self._exit_code = max(code, self._exit_code or exits.DONE)
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._grace_s
            self._asked_again_from = time.monotonic() + limits.STOP_REPEATED_S
            for process in self._processes:
                process.start_at = None
            for listener in self._sockets:
                listener.close()
            self._signal_all(signal.SIGTERM)

    def _signal_all(self, number: signal.Signals) -> None:
        for process in self._processes:
            if process.pid is not None:
                os.kill(process.pid, number)  # Not reaped yet, so the id is still its own.


def _note(_number: int, _frame: FrameType | None) -> None:
    """The signal itself comes through the wake-up descriptor; this only keeps its default from acting."""


def _write_all(fd: int, data: bytes) -> None:
    written = os.write(fd, data)
    assert written == len(data)
