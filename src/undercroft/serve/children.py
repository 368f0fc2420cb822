"""Starting a process of the server: a fork that forgets the supervisor's signals and dies with it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable

import structlog

from undercroft.serve import exits, logs

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def fork(name: str, run: Callable[[], int], *, close: Iterable[int] = ()) -> int:
    """Run `run` in a new process, which exits with what it returns; the process id.

    The child closes the descriptors of `close`, takes SIGTERM as usual, and ignores SIGINT, which a terminal sends to all:
    the supervisor decides what it means. An exception is logged and becomes exit code 1.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    # A signal that comes while the child still has the supervisor's handlers would be lost.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    supervisor = os.getpid()
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid
    code = exits.FAILED
    try:
        _become_child(supervisor, close)
        logs.configure(name)
        code = run()
    except Exception:  # noqa: BLE001 - the outermost handler of the process.
        structlog.get_logger().exception("process_failed")
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else exits.FAILED
    finally:
        sys.stderr.flush()
        os._exit(code)


def _become_child(supervisor: int, close: Iterable[int]) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    die_with_parent(supervisor)
    for fd in close:
        os.close(fd)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that ends (prctl(2))."""
    if _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        os._exit(exits.FAILED)  # It ended before the kernel was told.
