"""Commands on a data directory: the options that say where it is, once for all of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from undercroft.cli.options import Blobs, Catalog, Config, Data
from undercroft.cli.session import settings_of
from undercroft.settings import Settings

P = ParamSpec("P")
_OPTIONS = {"data": Data, "catalog": Catalog, "blobs": Blobs, "config": Config}
_JSON = "json"  # It is shown last, wherever there is one.


def on_data(command: Callable[Concatenate[Settings, P], None]) -> Callable[..., None]:
    """A command that is given the settings as its first parameter, and has the options that they are made of.

    Raises `SettingsError` when it is called.
    """
    settings, *own = inspect.signature(command, eval_str=True).parameters.values()
    assert settings.annotation is Settings

    @functools.wraps(command)
    def run(**given: Any) -> None:
        where = {name: given.pop(name) for name in _OPTIONS}
        command(settings_of(**where), **given)  # type: ignore[call-arg]  # It is called with what `own` names.

    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _OPTIONS.items()
    ]
    kept = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    parameters = [one for one in kept if one.name != _JSON] + common + [one for one in kept if one.name == _JSON]
    # What the command line is made from: the wrapper's own signature says nothing.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
