"""The options of commands on a data directory."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from undercroft.cli.commands import app as whole
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.settings import Settings, SettingsError

app = typer.Typer()


@app.command()
@on_data
def show(
    settings: Settings,
    name: Annotated[str, typer.Argument()],
    count: Annotated[int, typer.Option()] = 1,
    json: JSON = False,
) -> None:
    """Show what came."""
    typer.echo(f"{settings.data} {settings.catalog} {settings.blobs} {name} {count} {json}")


def said(*arguments):
    done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output.split()


def test_a_command_gets_the_settings_that_its_options_say_and_its_own_parameters(tmp_path):
    where = ("--data", tmp_path, "--catalog", f"sqlite://{tmp_path}/c.db")
    assert said("a", *where) == [str(tmp_path), f"{tmp_path}/c.db", f"{tmp_path}/blobs", "a", "1", "False"]
    assert said("a", "--count", 2, "--json", *where, "--blobs", "local:///b")[2:] == ["/b", "a", "2", "True"]


def test_a_file_with_options_counts(tmp_path):
    config = tmp_path / "options.toml"
    config.write_text('data = "/in/the/file"\n')
    assert said("a", "--config", config)[0] == "/in/the/file"


def test_what_cannot_be_is_refused_as_everywhere(tmp_path):
    with pytest.raises(SettingsError):
        said("a", "--catalog", "postgres://host/db")


def test_every_command_on_a_data_directory_has_its_options():
    def walk(group, path):
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from walk(command, (*path, name))
            else:
                yield (*path, name), [one.name for one in command.params]

    found = dict(walk(typer.main.get_command(whole), ()))
    assert len(found) > 20
    for command, names in found.items():
        assert {"data", "catalog", "blobs", "config"} <= set(names), command
        assert names[-1] == "json", command


def test_its_help_is_the_commands_own():
    assert "Show what came." in CliRunner().invoke(app, ["--help"]).output
