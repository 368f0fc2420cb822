"""Wiring: which drivers the settings ask for, put together into a store."""

from __future__ import annotations

import os

import structlog

from undercroft import keyring, limits
from undercroft.blobs.local import LocalBlobs
from undercroft.catalog.contract import Catalog
from undercroft.catalog.keys import any_key
from undercroft.catalog.sqlite import SQLiteCatalog
from undercroft.outgoing.client import Outgoing
from undercroft.outgoing.mail import Mailer, SMTPMailer, SMTPServer
from undercroft.serve import data_directory, exits
from undercroft.settings import Address, Settings
from undercroft.store import Store
from undercroft.store.directory import secret_context
from undercroft.store.identity.people import People
from undercroft.store.identity.products import DEFAULT_TERMS, Terms

MASTER_KEY_VARIABLE = "UNDERCROFT_MASTER_KEY"
_MASTER_KEY_FILE = "master.key"

_log = structlog.get_logger(__name__)


async def open_store(settings: Settings, *, slot: int, migrate: bool = False) -> Store:
    """A store on the engines of the settings; its `close` lets go of everything.

    `slot` is the process's own small number among those that use the store at once: its counters are kept under it.
    `migrate` brings the catalog to this release's schema first, and makes it where there is none. Raises the errors of the
    engines and of the keyring.
    """
    data_directory.create(settings.data)
    catalog = SQLiteCatalog(settings.catalog, on_fatal=stop_for_good)
    if migrate:
        await catalog.migrate()
    blobs = LocalBlobs(settings.blobs, on_fatal=stop_for_good)
    try:
        keys = await _keyring(settings, catalog, first=migrate)
    except keyring.KeyringError:
        await catalog.close()
        await blobs.close()
        raise
    outgoing = Outgoing(allowed=settings.allow_targets, ca_file=settings.target_ca)
    return Store(
        catalog,
        blobs,
        keys,
        slot=slot,
        visit=outgoing.to,
        default_encryption=settings.default_encryption,
        alert_webhook=settings.alert_webhook,
        people=_people(settings),
    )


def _people(settings: Settings) -> People:
    """Who may sign up, on which terms, and how people are written to. Raises `OSError`, and `ValueError` for terms that are no text."""
    terms = Terms.of(DEFAULT_TERMS)
    if settings.terms is not None:
        with settings.terms.open(encoding="utf-8") as file:
            terms = Terms.of(file.read(limits.TERMS_MAX_BYTES))
    return People(
        sign_up=settings.sign_up,
        terms=terms,
        mailer=_mailer(settings),
        console_origin=settings.console_origin,
        session_idle_s=settings.session_idle,
    )


def _mailer(settings: Settings) -> Mailer | None:
    if settings.smtp_server is None or settings.mail_from is None:
        return None
    scheme, host, port = settings.smtp_server
    server = SMTPServer(
        host,
        port,
        is_tls=scheme == "smtps",
        is_local=Address(host, port).is_loopback,
        user=settings.smtp_user,
        password=settings.smtp_password,
    )
    return SMTPMailer(server, settings.mail_from, settings.target_ca)


async def _keyring(settings: Settings, catalog: Catalog, *, first: bool) -> keyring.Keyring:
    """The keyring of the data directory, made where `first` finds nothing that is wrapped, and else tried on something.

    A directory that has lost its key must not get another one, which would open nothing.
    """
    wrapped = await any_key(catalog.rows) if first else None
    keys = keyring.load_or_create(
        settings.data / _MASTER_KEY_FILE,
        encoded=os.environ.get(MASTER_KEY_VARIABLE),
        may_create=first and wrapped is None,
    )
    if wrapped is not None:
        keys.unwrap(wrapped.wrapped_secret, secret_context(wrapped.key_id))
    return keys


def stop_for_good(error: Exception) -> None:
    """End this process, and by its exit code the whole server: the storage can no longer be trusted (P12).

    At once and from any thread: nothing that is under way may be acknowledged any more.
    """
    _log.critical("storage_error", error=repr(error))
    os._exit(exits.FATAL_STORAGE_EXIT)
