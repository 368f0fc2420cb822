"""Where settings come from, and what is no setting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from undercroft import limits
from undercroft.settings import Address, SettingsError, load


def test_defaults_are_those_of_the_contract():
    settings = load({}, {"XDG_DATA_HOME": "/home/x/data"})
    assert settings.data == Path("/home/x/data/undercroft")
    assert (str(settings.listen), str(settings.console_listen)) == ("127.0.0.1:8620", "127.0.0.1:8621")
    assert (settings.domain, settings.region) == ("localhost", "us-west-000")
    assert settings.workers == len(os.sched_getaffinity(0))
    assert (settings.catalog, settings.blobs) == (settings.data / "catalog.db", settings.data / "blobs")
    assert settings.api_origin == settings.s3_endpoint(settings.api_origin) == "http://127.0.0.1:8620"


def test_data_is_in_the_home_directory_where_the_variable_is_no_absolute_path():
    assert load({}, {"XDG_DATA_HOME": "relative"}).data == Path.home() / ".local/share/undercroft"


def test_a_flag_wins_over_a_variable_and_that_over_the_file(tmp_path):
    file = tmp_path / "undercroft.toml"
    file.write_text('region = "file"\ndomain = "file.example"\nworkers = 3\n')
    environment = {
        "UNDERCROFT_CONFIG": str(file),
        "UNDERCROFT_REGION": "variable",
        "UNDERCROFT_DOMAIN": "variable.example",
    }
    settings = load({"region": "flag", "domain": None}, environment)
    assert (settings.region, settings.domain, settings.workers) == ("flag", "variable.example", 3)


def test_every_option_can_come_from_the_file(tmp_path):
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).touch()
    file = tmp_path / "undercroft.toml"
    file.write_text(f"""
        data = "{tmp_path}/data"
        listen = "[::1]:1"
        console_listen = "localhost:0"
        workers = 2
        domain = "Example.com."
        region = "eu-central-003"
        public_url = "https://files.example.com/"
        console_url = "https://console.example.com"
        trusted_proxy = ["10.0.0.0/8", "::1"]
        catalog = "sqlite:///srv/catalog.db"
        blobs = "local:///srv/blobs"
        tls_cert = "{tmp_path}/cert.pem"
        tls_key = "{tmp_path}/key.pem"
        metrics_token = "0123456789abcdef"
        test_hooks = true
        test_chance = "fail_some_uploads 1/20"
        test_seed = 7
        lifecycle_interval = "12h"
        lifecycle_hour = 3
        sign_up = "invitation"
        terms = "{tmp_path}/cert.pem"
        session_idle = "30m"
        smtp_url = "smtps://mail.example.com"
        smtp_user = "console"
        smtp_password = "hush"
        mail_from = "console@example.com"
    """)
    settings = load({"config": str(file)}, {})
    assert settings.listen == Address("::1", 1)
    assert settings.console_origin == "https://console.example.com"
    assert (settings.domain, settings.scheme) == ("example.com", "https")
    assert settings.api_origin == "https://files.example.com"
    assert settings.trusted_proxy == ("10.0.0.0/8", "::1/128")
    assert (settings.test_hooks, settings.test_chance, settings.test_seed) == (True, "fail_some_uploads 1/20", 7)
    assert (settings.catalog, settings.blobs) == (Path("/srv/catalog.db"), Path("/srv/blobs"))
    assert (settings.lifecycle_interval, settings.lifecycle_hour) == (12 * 3600, 3)
    assert (settings.sign_up, settings.session_idle) == ("invitation", 1800)
    assert settings.smtp_server == ("smtps", "mail.example.com", 465)
    assert (settings.smtp_user, settings.smtp_password, settings.mail_from) == (
        "console",
        "hush",
        "console@example.com",
    )


@pytest.mark.parametrize(
    ("value", "seconds"), [("1", 1), (7, 7), ("30s", 30), ("15m", 900), ("24h", 86_400), ("7d", 604_800)]
)
def test_an_interval_is_seconds_or_has_a_unit(value, seconds):
    assert load({"data": "/d", "lifecycle_interval": value}, {}).lifecycle_interval == seconds


def test_lists_in_variables_are_separated_by_commas():
    assert load({}, {"UNDERCROFT_TRUSTED_PROXY": "10.0.0.0/8, 192.168.0.1"}).trusted_proxy == (
        "10.0.0.0/8",
        "192.168.0.1/32",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data", ""),
        ("data", "a\0b"),
        ("listen", "8620"),
        ("listen", ":8620"),
        ("listen", "host:"),
        ("listen", "host:65536"),
        ("listen", "host:x"),
        ("listen", "::1:8620"),
        ("listen", "[nonsense]:8620"),
        ("console_listen", 8621),
        ("workers", "0"),
        ("workers", 0),
        ("workers", limits.WORKERS_MAX + 1),
        ("workers", "many"),
        ("workers", True),
        ("domain", "under_score"),
        ("domain", "a" * 254),
        ("region", "US"),
        ("region", ""),
        ("public_url", "files.example.com"),
        ("public_url", "https://files.example.com/path"),
        ("public_url", "https://user:password@files.example.com"),
        ("console_url", "ftp://x"),
        ("trusted_proxy", "10.0.0.1/8"),
        ("trusted_proxy", ["nonsense"]),
        ("trusted_proxy", 7),
        ("trusted_proxy", ["10.0.0.0/8"] * (limits.TRUSTED_PROXIES_MAX + 1)),
        ("catalog", "postgres://host/db"),
        ("catalog", "sqlite://relative"),
        ("catalog", "/a/path"),
        ("blobs", "seaweedfs://host"),
        ("tls_cert", "/nowhere/cert.pem"),
        ("metrics_token", "short"),
        ("metrics_token", "sixteen or more with spaces"),
        ("alert_webhook", "http://alerts.example.com/"),
        ("alert_webhook", "https://"),
        ("alert_webhook", "https://user@alerts.example.com/"),
        ("alert_webhook", "https://alerts.example.com:99999/"),
        ("alert_webhook", "https://[alerts"),
        ("alert_webhook", "https://alerts.example.com/a b"),
        ("alert_webhook", "https://alerts.example.com/".ljust(limits.TARGET_URL_MAX_BYTES + 1, "x")),
        ("alert_webhook", 7),
        ("test_hooks", "maybe"),
        ("test_hooks", 1),
        ("test_seed", "-1"),
        ("test_seed", limits.TEST_SEED_MAX + 1),
        ("test_seed", True),
        ("test_chance", "fail_some_uploads"),  # Without test hooks nothing would come of it.
        ("lifecycle_interval", "0"),
        ("lifecycle_interval", "0h"),
        ("lifecycle_interval", "-1"),
        ("lifecycle_interval", "1w"),
        ("lifecycle_interval", "1.5h"),
        ("lifecycle_interval", True),
        ("lifecycle_interval", f"{limits.LIFECYCLE_INTERVAL_MAX_S + 1}"),
        ("lifecycle_hour", "24"),
        ("lifecycle_hour", -1),
        ("lifecycle_hour", "noon"),
        ("sign_up", "everybody"),
        ("terms", "/nowhere/terms.txt"),
        ("session_idle", "31d"),
        ("session_idle", "0"),
        ("smtp_url", "mail.example.com"),
        ("smtp_url", "smtp://user:password@mail.example.com"),
        ("smtp_url", "smtp://mail.example.com"),  # Without somebody whom mail is from.
        ("mail_from", "console@example.com"),  # Without a way for mail.
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_option(name, value):
    with pytest.raises(SettingsError, match=r"^--" + name.replace("_", "-")):
        load({"data": "/d", name: value}, {})


def test_the_message_says_where_the_value_came_from(tmp_path):
    with pytest.raises(SettingsError, match=r"^UNDERCROFT_WORKERS: "):
        load({}, {"UNDERCROFT_WORKERS": "none"})
    file = tmp_path / "u.toml"
    file.write_text("workers = 0")
    with pytest.raises(SettingsError, match=f"^workers in {file}: "):
        load({"config": str(file)}, {})


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no toml", "is not TOML"), (b"\xff", "is not TOML"), (b"surprise = 1", "unknown option: surprise")],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path, content, message):
    file = tmp_path / "u.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        load({"config": str(file)}, {})


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_length_of_the_file_is_limited(tmp_path, over):
    file = tmp_path / "u.toml"
    file.write_bytes(b"#" * (limits.CONFIG_FILE_MAX_BYTES + over))
    if over > 0:
        with pytest.raises(SettingsError, match="longer than"):
            load({"config": str(file)}, {})
    else:
        load({"config": str(file)}, {})


def test_a_missing_file_is_refused():
    with pytest.raises(SettingsError, match="cannot be read"):
        load({"config": "/nowhere/u.toml"}, {})


def test_certificate_and_key_go_together(tmp_path):
    cert = tmp_path / "cert.pem"
    cert.touch()
    with pytest.raises(SettingsError, match="both or neither"):
        load({"tls_cert": str(cert)}, {})


@pytest.mark.parametrize(
    ("value", "on"),
    [(True, True), (False, False), ("1", True), ("ON", True), ("true", True), ("off", False), ("0", False)],
)
def test_a_switch_is_on_or_off_in_many_words(value, on):
    assert load({"data": "/d", "test_hooks": value}, {}).test_hooks is on
    if isinstance(value, str):
        assert load({"data": "/d"}, {"UNDERCROFT_TEST_HOOKS": value}).test_hooks is on


def test_test_hooks_are_off_unless_asked_for():
    settings = load({"data": "/d"}, {})
    assert (settings.test_hooks, settings.test_chance, settings.test_seed) == (False, "", 0)
    settings = load({"data": "/d"}, {"UNDERCROFT_TEST_HOOKS": "on", "UNDERCROFT_TEST_SEED": str(limits.TEST_SEED_MAX)})
    assert (settings.test_hooks, settings.test_seed) == (True, limits.TEST_SEED_MAX)


def test_secrets_are_not_in_the_representation():
    settings = load({"data": "/d"}, {"UNDERCROFT_METRICS_TOKEN": "0123456789abcdef"})
    assert settings.metrics_token == "0123456789abcdef"
    assert "0123456789abcdef" not in repr(settings)


def test_the_webhook_of_alerts_is_in_no_representation_and_no_error():
    url = "https://alerts.example.com/in?token=secret".ljust(limits.TARGET_URL_MAX_BYTES, "x")
    settings = load({"data": "/d"}, {"UNDERCROFT_ALERT_WEBHOOK": url})
    assert settings.alert_webhook == url
    assert "secret" not in repr(settings)
    with pytest.raises(SettingsError) as refused:
        load({"data": "/d"}, {"UNDERCROFT_ALERT_WEBHOOK": "http" + url[5:]})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (None, None),
        ("smtp://mail.example.com", ("smtp", "mail.example.com", 587)),
        ("smtp://[::1]:25/", ("smtp", "::1", 25)),
    ],
)
def test_mail_goes_to_a_server_at_the_usual_ports(url, server):
    assert load({"data": "/d", "smtp_url": url, "mail_from": url and "console@example.com"}, {}).smtp_server == server


@pytest.mark.parametrize("given", [{"SMTP_USER": "u"}, {"SMTP_PASSWORD": "p"}])
def test_user_and_password_of_the_mail_server_go_together(given):
    environment = {"UNDERCROFT_SMTP_URL": "smtp://mail", "UNDERCROFT_MAIL_FROM": "a@b.example"}
    with pytest.raises(SettingsError, match="give both or neither"):
        load({"data": "/d"}, environment | {f"UNDERCROFT_{name}": value for name, value in given.items()})


@pytest.mark.parametrize(
    ("address", "loopback", "origin"),
    [
        (Address("127.0.0.1", 1), True, "http://127.0.0.1:1"),
        (Address("::1", 1), True, "http://[::1]:1"),
        (Address("localhost", 1), True, "http://localhost:1"),
        (Address("0.0.0.0", 1), False, "http://localhost:1"),
        (Address("::", 1), False, "http://localhost:1"),
        (Address("files.example.com", 1), False, "http://files.example.com:1"),
    ],
)
def test_addresses_know_who_can_reach_them_and_how(address, loopback, origin):
    assert (address.is_loopback, address.origin("http")) == (loopback, origin)
