"""`undercroft serve`, from settings to exit code.

The order matters: addresses and lock first, since a server that cannot have them must not make an account whose password
nobody would then see; everything is imported before the first fork, and no loop, thread or connection exists until after it.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

import structlog

from undercroft.http import metrics
from undercroft.native.hooks.modes import parse_modes
from undercroft.serve import announce, data_directory, exits, logs, tls, worker
from undercroft.serve.exits import StartError
from undercroft.serve.listeners import listen
from undercroft.serve.prepare import EMAIL_VARIABLE, PASSWORD_VARIABLE, prepare
from undercroft.serve.supervisor import Role, Supervisor
from undercroft.settings import Settings, SettingsError, with_kept

_log = structlog.get_logger(__name__)


def serve(settings: Settings, *, as_json: bool) -> int:
    """Serve until told to stop; the exit code. Raises `StartError` where the server cannot start."""
    logs.configure("supervisor")
    _raise_descriptor_limit()
    if settings.tls_cert is not None and settings.tls_key is not None:
        tls.make_context(settings.tls_cert, settings.tls_key)  # Complain now, not once in every process.
    _check_test_hooks(settings)
    data_directory.create(settings.data)
    locks = data_directory.lock(settings)
    api_sockets = listen(settings.listen, "--listen")
    console_sockets = listen(settings.console_listen, "--console-listen")
    settings = data_directory.bound(settings, api_sockets[0].getsockname()[1], console_sockets[0].getsockname()[1])
    _prepare_metrics(data_directory.metrics_directory(settings.data))
    prepared = prepare(settings)
    for secret in (EMAIL_VARIABLE, PASSWORD_VARIABLE):
        os.environ.pop(secret, None)
    settings = _with_kept(settings, prepared.kept_settings)
    data_directory.write_addresses(settings)
    _warn_if_exposed(settings)
    _say(announce.as_json(settings, prepared) if as_json else announce.as_text(settings, prepared))
    roles = [
        *(
            Role(
                f"api-{number}",
                functools.partial(worker.run_api, settings, api_sockets, worker.FIRST_API_SLOT + number),
                api_sockets,
            )
            for number in range(settings.workers)
        ),
        Role("console", functools.partial(worker.run_console, settings, console_sockets), console_sockets),
        Role("steward", functools.partial(worker.run_steward, settings)),
    ]
    # What exists by now is shared with the children for as long as no collection writes to it.
    gc.collect()
    gc.freeze()
    supervisor = Supervisor(
        roles,
        sockets=[*api_sockets, *console_sockets],
        on_ready=lambda: _log.info("serving"),
        on_end=metrics.forget_process,
    )
    code = supervisor.run()
    for lock in locks:
        os.close(lock)
    _log.info("stopped", exit_code=code)
    return code


def _with_kept(settings: Settings, kept: Mapping[str, str]) -> Settings:
    try:
        return with_kept(settings, kept)
    except SettingsError as error:
        raise StartError(str(error), exits.USAGE) from None


def _prepare_metrics(directory: Path) -> None:
    try:
        metrics.prepare_directory(directory)
    except OSError as error:
        raise StartError(f"--data: {directory} cannot be made anew: {error.strerror}") from None


def _say(text: str) -> None:
    """Print the announcement. A reader that left does not keep the server from serving."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _warn_if_exposed(settings: Settings) -> None:
    for flag, address in (("--listen", settings.listen), ("--console-listen", settings.console_listen)):
        if settings.tls_cert is None and not address.is_loopback:
            _log.warning(
                "listening_without_tls",
                option=flag,
                address=str(address),
                danger="Other machines can reach this address, and whoever is on the way can read passwords, keys and files. "
                "Give --tls-cert and --tls-key, or listen on a loopback address behind a proxy that has TLS.",
            )


def _check_test_hooks(settings: Settings) -> None:
    """Complain now of modes that are none; and whoever left the hooks on by mistake should find that in the log."""
    try:
        parse_modes(settings.test_chance)
    except ValueError as error:
        raise StartError(f"--test-chance: {error}", exits.USAGE) from None
    if settings.test_hooks:
        _log.warning("test_hooks_are_on", chance=settings.test_chance, seed=settings.test_seed)


def _raise_descriptor_limit() -> None:
    """Ask for as many descriptors as the system allows: each connection and each open blob takes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
