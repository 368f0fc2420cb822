"""What is done to a data directory before anything serves it: its schema, and on the first start its first account.

This runs in a process of its own, since the supervisor must never have had a database open: what a fork inherits of one, it
can damage.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Mapping

import msgspec

from undercroft import limits
from undercroft.blobs.contract import BlobError
from undercroft.catalog.contract import CatalogError
from undercroft.console import languages
from undercroft.keyring import KeyringError
from undercroft.serve import children, exits
from undercroft.serve.compose import open_store
from undercroft.serve.exits import StartError
from undercroft.settings import Settings
from undercroft.store.errors import StoreError

EMAIL_VARIABLE = "UNDERCROFT_BOOTSTRAP_EMAIL"
PASSWORD_VARIABLE = "UNDERCROFT_BOOTSTRAP_PASSWORD"  # noqa: S105 - the name of a variable.
_DEFAULT_EMAIL = "admin@localhost"
_PASSWORD_GROUPS = 4
_PASSWORD_GROUP_LENGTH = 5
_PASSWORD_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # noqa: S105 - none that people mistake for another.


class Prepared(msgspec.Struct, frozen=True, omit_defaults=True):
    """The oldest account, its credentials when it was made just now, and the settings that are kept; or why nothing could be prepared."""

    email: str = ""
    account_id: str = ""
    password: str | None = None
    master_application_key: str | None = None
    key_id: str | None = None
    application_key: str | None = None
    kept_settings: dict[str, str] = {}  # What an operator chose in the console, for the server as a whole.
    error: str | None = None

    @property
    def is_first_start(self) -> bool:
        """Whether the account was made just now."""
        return self.application_key is not None


def prepare(settings: Settings) -> Prepared:
    """Prepare the data directory in a process of its own. Raises `StartError`."""
    reading, writing = os.pipe()

    def child() -> int:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(msgspec.json.encode(_prepare_here(settings)))
        return exits.DONE

    pid = children.fork("prepare", child, close=[reading])
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read(limits.PREPARED_MAX_BYTES)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != exits.DONE:
        raise StartError(
            f"--data: {settings.data} could not be prepared: {_why(code)}",
            exits.FATAL_STORAGE_EXIT if code == exits.FATAL_STORAGE_EXIT else exits.FAILED,
        )
    prepared = msgspec.json.decode(said, type=Prepared)
    if prepared.error is not None:
        raise StartError(prepared.error)
    return prepared


def _why(code: int) -> str:
    """Why the process that prepares has ended with this code, for the operator."""
    if (
        code == -signal.SIGBUS
    ):  # SQLite's index of the log is memory-mapped, and a file system of small blocks may have none for a page.
        return "the disk failed or is full (SIGBUS)"
    return "see the log above" if code > 0 else f"its process was ended by signal {-code}"


def _prepare_here(settings: Settings) -> Prepared:
    try:
        _check_languages(settings)
        return asyncio.run(prepare_store(settings, os.environ))
    except languages.LanguageError as error:
        return Prepared(error=str(error))
    except (StoreError, CatalogError, BlobError, KeyringError) as error:
        return Prepared(error=f"--data: {settings.data}: {error}")
    except OSError as error:
        return Prepared(error=f"--data: {error.filename or settings.data} cannot be used: {error.strerror}")


def _check_languages(settings: Settings) -> None:
    """Complain now of the operator's own languages, and not once in the console's process, again and again."""
    folder = settings.data / languages.OWN_FOLDER
    if folder.exists():
        from undercroft.console.languages.catalogues import load_folder  # Here, since few have any.

        load_folder(folder)


async def prepare_store(settings: Settings, environment: Mapping[str, str]) -> Prepared:
    """Migrate the catalog and make the first account where there is none."""
    store = await open_store(settings, slot=0, migrate=True)
    try:
        accounts = await store.identity.accounts.list()
        if accounts:
            kept = await store.administrations.kept_settings.all_of()
            return Prepared(email=accounts[0].email, account_id=accounts[0].account_id, kept_settings=kept)
        email = environment.get(EMAIL_VARIABLE) or _DEFAULT_EMAIL
        given, password = environment.get(PASSWORD_VARIABLE), new_password()
        if given:
            password, made = given, await store.identity.accounts.create(email, given)
        else:
            made = await store.identity.first_run.create(email, password)
        return Prepared(
            email=made.account.email,
            account_id=made.account.account_id,
            password=password,
            master_application_key=made.master_key.secret,
            key_id=made.key.key_id,
            application_key=made.key.secret,
        )
    finally:
        await store.close()


def new_password() -> str:
    """A password of 99 random bits that can be read aloud."""
    groups = (
        "".join(secrets.choice(_PASSWORD_LETTERS) for _ in range(_PASSWORD_GROUP_LENGTH))
        for _ in range(_PASSWORD_GROUPS)
    )
    return "-".join(groups)
