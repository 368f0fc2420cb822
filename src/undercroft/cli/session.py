"""A command's way to the store: the data directory itself, whether a server has it at the moment or not."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import typer

from undercroft import limits
from undercroft.blobs.contract import BlobError
from undercroft.catalog.contract import CatalogError
from undercroft.keyring import KeyringError
from undercroft.serve import data_directory, logs
from undercroft.serve.compose import open_store
from undercroft.serve.exits import FAILED, USAGE
from undercroft.settings import Address, Settings, load
from undercroft.store import Store
from undercroft.store.errors import StoreError

T = TypeVar("T")


def settings_of(
    data: str | None, catalog: str | None, blobs: str | None, config: str | None, **others: object
) -> Settings:
    """The settings of a command; `others` are further options by name. Raises `SettingsError`."""
    return load({"data": data, "catalog": catalog, "blobs": blobs, "config": config, **others})


def with_store(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """Open the store, do the work, and close it. What the store refuses ends the command with its message and code 1."""
    logs.configure("command")

    async def main() -> T:
        store = await open_store(settings, slot=0, migrate=True)
        try:
            return await work(store)
        finally:
            await store.close()

    try:
        return asyncio.run(main())
    except (StoreError, CatalogError, BlobError, KeyringError, OSError) as error:
        fail(str(error) or type(error).__name__)


def fail(message: str, exit_code: int = FAILED) -> NoReturn:
    """End the command with a message on standard error."""
    sys.stderr.write(f"undercroft: {message}\n")
    raise typer.Exit(exit_code)


def api_url(settings: Settings) -> str:
    """Where clients reach the API of this data directory: as its server last said, else as the settings say."""
    served = data_directory.read_addresses(settings.data)
    if served is None or settings.public_url is not None:
        return settings.api_origin
    host, _, port = served.listen.rpartition(":")
    return served.public_url or Address(host.strip("[]"), int(port)).origin(served.scheme)


def region(settings: Settings) -> str:
    """The region's name: as it was given to the command, else as the server of this data directory last said."""
    served = data_directory.read_addresses(settings.data)
    return settings.region if served is None or "region" in settings.given else served.region


def read_password(from_stdin: bool) -> str:
    """A new password: the first line of standard input, or asked for twice on the terminal."""
    if from_stdin:
        raw = sys.stdin.buffer.readline(limits.PASSWORD_INPUT_MAX_BYTES + 1)
        if len(raw) > limits.PASSWORD_INPUT_MAX_BYTES:
            fail(f"the password is longer than {limits.PASSWORD_INPUT_MAX_BYTES} bytes", USAGE)
        try:
            return raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            fail("the password is not UTF-8", USAGE)
    if not sys.stdin.isatty():
        fail("there is no terminal to ask for the password; give --password-stdin", USAGE)
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        fail("the two passwords differ")
    return password
