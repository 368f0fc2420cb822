"""Options that were chosen in the console: what wins over them, and what is no value of theirs."""

from __future__ import annotations

import pytest

from undercroft.settings import KEPT_OPTIONS, SettingsError, load, read_kept, with_kept, without_kept

HOME = {"HOME": "/home/somebody"}
KEPT = {"region": "eu-north-9", "public_url": "https://s3.example.com", "domain": "example.com"}


def test_what_is_kept_counts_where_nobody_has_given_the_option(tmp_path):
    settings = with_kept(load({}, HOME), KEPT)
    assert {name: getattr(settings, name) for name in KEPT_OPTIONS} == KEPT
    assert with_kept(load({}, HOME), {}) == load({}, HOME)


@pytest.mark.parametrize("way", ["flag", "variable", "file"])
def test_flag_variable_and_file_win_over_what_is_kept(tmp_path, way):
    file = tmp_path / "undercroft.toml"
    file.write_text('region = "us-given-1"\n')
    flags, environment = {
        "flag": ({"region": "us-given-1"}, HOME),
        "variable": ({}, {**HOME, "UNDERCROFT_REGION": "us-given-1"}),
        "file": ({"config": str(file)}, HOME),
    }[way]
    given = load(flags, environment)
    settings = with_kept(given, KEPT)
    assert (settings.region, settings.domain) == ("us-given-1", "example.com")
    assert without_kept(settings) == given


def test_other_options_are_never_taken_from_what_is_kept():
    kept = {"tls_cert": "/etc/passwd", "listen": "0.0.0.0:1", "console_url": "https://x", "data": "/"}
    assert with_kept(load({}, HOME), kept) == load({}, HOME)


def test_a_value_that_is_none_is_refused_with_the_option_that_wins_over_it():
    for name, text in (("region", "No Region"), ("public_url", "ftp://x"), ("domain", "a b")):
        with pytest.raises(ValueError, match="expected"):
            read_kept(name, text)
        with pytest.raises(SettingsError, match=f"--{name.replace('_', '-')} wins over it"):
            with_kept(load({}, HOME), {name: text})
        assert with_kept(load({name: KEPT[name]}, HOME), {name: text})
