"""The settings: one frozen object, from the flags of the command line, `UNDERCROFT_…` variables and a TOML file.

A flag wins over a variable, a variable over the file, and the file over what an operator chose in the console, which the catalog keeps
for a few options (`KEPT_OPTIONS`). Every option is one row of `_OPTIONS`, read by the same function
wherever it comes from, so that the three agree. Secrets have no flag, since a command line is for every user to see.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from undercroft import limits
from undercroft.prices import Prices, parse_prices

ENVIRONMENT_PREFIX = "UNDERCROFT_"
KEPT_OPTIONS = ("region", "public_url", "domain")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z")
_REGION = re.compile(rf"{_LABEL}\Z")
_URL = re.compile(r"(https?)://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?/?\Z")
_SMTP_URL = re.compile(r"(smtps?)://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?/?\Z")
_MAIL_FROM = re.compile(r"[^@\s<>\"]{1,64}@[A-Za-z0-9.-]{1,253}\Z")
_WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognized, not bound to.
_METRICS_TOKEN_MIN_LENGTH = 16
_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)\Z")
_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """An option has a value that cannot be used. The message names the option, where it came from and what is wrong."""


class Address(msgspec.Struct, frozen=True):
    """Where to listen: a host name or IP address, and a port. Port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def origin(self, scheme: str) -> str:
        """The URL under which this machine reaches it."""
        return f"{scheme}://{Address('localhost', self.port) if self.host in _WILDCARDS else self}"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator decided. Paths are absolute, URLs have no slash at the end."""

    data: Path
    listen: Address = Address("127.0.0.1", 8620)
    console_listen: Address = Address("127.0.0.1", 8621)
    workers: int = 1
    domain: str = "localhost"
    region: str = "us-west-000"
    public_url: str | None = None
    console_url: str | None = None
    trusted_proxy: tuple[str, ...] = ()
    catalog: Path
    blobs: Path
    tls_cert: Path | None = None
    tls_key: Path | None = None
    metrics_token: str | None = None
    test_hooks: bool = False  # Whether X-Bz-Test-Mode is obeyed: the server then fails as it is told to.
    test_chance: str = ""  # Test modes that requests meet by chance, as `native/hooks/modes.py` reads them.
    test_seed: int = 0
    lifecycle_interval: int = 86_400  # Seconds.
    lifecycle_hour: int = 0
    allow_targets: tuple[str, ...] = ()  # Networks that webhooks may reach though they are not public.
    target_ca: Path | None = None
    alert_webhook: str | None = None  # Where alerts about caps are sent. There may be a token in it, so it is a secret.
    default_encryption: str | None = (
        "SSE-B2"  # Of files in buckets that were never told one; None: they are not encrypted.
    )
    sign_up: Literal["open", "invitation", "closed"] = "closed"  # Who may make accounts in the console.
    terms: Path | None = None  # What people accept when they enable B2; none: a short text of ours.
    session_idle: int = limits.SESSION_IDLE_S  # Seconds.
    smtp_url: str | None = None  # Where mail is handed over; none: there is no mail.
    smtp_user: str | None = None
    smtp_password: str | None = None
    mail_from: str | None = None

    prices: Prices | None = None  # What use costs, for the estimate of the console's reports.
    given: frozenset[str] = frozenset()  # The options that somebody decided when the server was started.

    def __repr__(self) -> str:
        return f"Settings(data={str(self.data)!r}, listen={str(self.listen)!r})"  # Others are secrets (P8).

    @property
    def scheme(self) -> str:
        """What our own listeners speak: `https` where there is a certificate."""
        return "http" if self.tls_cert is None else "https"

    @property
    def api_origin(self) -> str:
        """The API's URL, as far as it is known without a request."""
        return self.public_url or self.listen.origin(self.scheme)

    @property
    def console_origin(self) -> str:
        """The console's URL, as far as it is known without a request."""
        return self.console_url or self.console_listen.origin(self.scheme)

    def s3_endpoint(self, origin: str) -> str:
        """The endpoint URL for S3 clients that reach the API at `origin`: one address serves both protocols."""
        return origin

    @property
    def smtp_server(self) -> tuple[str, str, int] | None:
        """The scheme (`smtp` or `smtps`), host and port that mail is handed over to; None where there is no mail."""
        if self.smtp_url is None:
            return None
        match = _SMTP_URL.match(self.smtp_url)
        assert match is not None
        scheme, host, port = match.groups()
        return scheme, host.strip("[]"), int(port or {"smtp": 587, "smtps": 465}[scheme])

    def trusts(self, address: str) -> bool:
        """Whether the address is that of a proxy whose forwarding headers count."""
        return bool(self.trusted_proxy) and _is_within(address, self.trusted_proxy)


@lru_cache(maxsize=1024)
def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(network) for network in networks)


def load(flags: Mapping[str, object], environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings. `flags` has options by name; those that are None were not given. Raises `SettingsError`."""
    config = flags.get("config") or environment.get(ENVIRONMENT_PREFIX + "CONFIG")
    file = {} if config is None else _read_file(_path(config))
    values: dict[str, Any] = {}
    for name, parse in _OPTIONS.items():
        flag = "--" + name.replace("_", "-")
        variable = ENVIRONMENT_PREFIX + name.upper()
        for source, where in (
            (flags.get(name), flag),
            (environment.get(variable) or None, variable),
            (file.get(name), f"{name} in {config}"),
        ):
            if source is not None:
                try:
                    values[name] = parse(source)
                except ValueError as error:
                    raise SettingsError(f"{where}: {error}") from None
                break
    values["given"] = frozenset(values)
    values.setdefault("data", _default_data(environment))
    values.setdefault("workers", min(len(os.sched_getaffinity(0)), limits.WORKERS_MAX))
    values.setdefault("catalog", values["data"] / "catalog.db")
    values.setdefault("blobs", values["data"] / "blobs")
    settings = Settings(**values)
    _check_tls(settings)
    _check_mail(settings)
    if settings.test_chance and not settings.test_hooks:
        raise SettingsError("--test-chance needs --test-hooks")
    return settings


def read_kept(name: str, text: str) -> str:
    """The value of one of the `KEPT_OPTIONS`, as it is kept. Raises `ValueError`."""
    return str(_OPTIONS[name](text))


def with_kept(settings: Settings, kept: Mapping[str, str]) -> Settings:
    """The settings with what is kept of options that nobody has given. Raises `SettingsError`."""
    chosen = {}
    for name in KEPT_OPTIONS:
        if name in kept and name not in settings.given:
            try:
                chosen[name] = read_kept(name, kept[name])
            except ValueError as error:
                flag = "--" + name.replace("_", "-")
                raise SettingsError(f"{name}, as it was chosen in the console: {error}. {flag} wins over it.") from None
    return msgspec.structs.replace(settings, **chosen)


def without_kept(settings: Settings) -> Settings:
    """The settings as they are where nothing is kept."""
    bare = Settings(data=settings.data, catalog=settings.catalog, blobs=settings.blobs)
    return msgspec.structs.replace(
        settings, **{name: getattr(bare, name) for name in KEPT_OPTIONS if name not in settings.given}
    )


def _read_file(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            raw = file.read(limits.CONFIG_FILE_MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"--config: {path} cannot be read: {error.strerror}") from None
    if len(raw) > limits.CONFIG_FILE_MAX_BYTES:
        raise SettingsError(f"--config: {path} is longer than {limits.CONFIG_FILE_MAX_BYTES} bytes")
    try:
        values = tomllib.loads(raw.decode("utf-8"))
    except ValueError as error:
        raise SettingsError(f"--config: {path} is not TOML: {error}") from None
    unknown = sorted(values.keys() - _OPTIONS.keys())
    if unknown:
        raise SettingsError(f"--config: {path} has an unknown option: {unknown[0]}")
    return values


def _check_tls(settings: Settings) -> None:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("--tls-cert and --tls-key: give both or neither")
    for flag, path in (
        ("--tls-cert", settings.tls_cert),
        ("--tls-key", settings.tls_key),
        ("--target-ca", settings.target_ca),
        ("--terms", settings.terms),
    ):
        if path is not None and not os.access(path, os.R_OK):
            raise SettingsError(f"{flag}: {path} cannot be read")


def _check_mail(settings: Settings) -> None:
    if settings.smtp_url is None and (settings.smtp_user or settings.smtp_password or settings.mail_from):
        raise SettingsError("--mail-from, smtp_user and smtp_password need --smtp-url")
    if settings.smtp_url is not None and settings.mail_from is None:
        raise SettingsError("--smtp-url needs --mail-from, the address that mail is from")
    if (settings.smtp_user is None) != (settings.smtp_password is None):
        raise SettingsError("smtp_user and smtp_password: give both or neither")


def _default_data(environment: Mapping[str, str]) -> Path:
    """The user's data directory (XDG Base Directory Specification)."""
    base = environment.get("XDG_DATA_HOME", "")
    root = Path(base) if base.startswith("/") else Path.home() / ".local" / "share"
    return root / "undercroft"


# -- Each of these reads one kind of value, from a flag, a variable or the file, and raises ValueError. ---------------
def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {value!r}")
    return value


def _path(value: object) -> Path:
    text = str(value) if isinstance(value, Path) else _text(value)
    if not text or "\0" in text:
        raise ValueError("expected a path")
    return Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100 - symbolic links stay as they are.


def _address(value: object) -> Address:
    text = _text(value)
    host, _, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if (":" in host and not bracketed) or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"expected HOST:PORT, got {text!r}")
    if bracketed:
        try:
            host = str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise ValueError(f"{host} is no IPv6 address") from None
    return Address(host, int(port))


def _workers(value: object) -> int:
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= limits.WORKERS_MAX:
        raise ValueError(f"expected a number from 1 to {limits.WORKERS_MAX}, got {value!r}")
    return number


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = {"1": True, "on": True, "true": True, "yes": True, "0": False, "off": False, "false": False, "no": False}
    text = _text(value).lower()
    if text not in known:
        raise ValueError(f"expected on or off, got {value!r}")
    return known[text]


def _number_up_to(most: int) -> Callable[[object], int]:
    """A reader of whole numbers from 0 on."""

    def read(value: object) -> int:
        number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= most:
            raise ValueError(f"expected a number from 0 to {most}, got {value!r}")
        return number

    return read


def _seconds_up_to(most: int) -> Callable[[object], int]:
    """A reader of times from one second on."""

    def read(value: object) -> int:
        match = _DURATION.match(value) if isinstance(value, str) else None
        seconds = int(match[1]) * _UNITS_S[match[2]] if match else value
        if not isinstance(seconds, int) or isinstance(seconds, bool) or not 1 <= seconds <= most:
            raise ValueError(f"expected a time such as 24h, 15m or 30s, up to {most} seconds, got {value!r}")
        return seconds

    return read


def _domain(value: object) -> str:
    text = _text(value).lower().rstrip(".")
    if len(text) > 253 or not _DOMAIN.match(text):
        raise ValueError(f"expected a domain name, got {value!r}")
    return text


def _region(value: object) -> str:
    text = _text(value)
    if not _REGION.match(text):
        raise ValueError(f"expected lower-case letters, digits and hyphens, got {value!r}")
    return text


def _url(value: object) -> str:
    text = _text(value)
    if not _URL.match(text):
        raise ValueError(f"expected http(s)://HOST[:PORT] and no path, got {text!r}")
    return text.rstrip("/")


def _networks(value: object) -> tuple[str, ...]:
    items = [item.strip() for item in value.split(",")] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)):
        raise ValueError(f"expected a list of networks, got {value!r}")
    if len(items) > limits.TRUSTED_PROXIES_MAX:
        raise ValueError(f"at most {limits.TRUSTED_PROXIES_MAX} networks")
    networks = []
    for item in items:
        try:
            networks.append(str(ipaddress.ip_network(_text(item))))
        except ValueError as error:
            raise ValueError(f"{item!r} is no network: {error}") from None
    return tuple(networks)


def _engine(scheme: str, example: str) -> Callable[[object], Path]:
    def parse(value: object) -> Path:
        text = _text(value)
        given, separator, path = text.partition("://")
        if not separator or given != scheme:
            raise ValueError(f"this version only knows {example}, got {text!r}")
        if not path.startswith("/"):
            raise ValueError(f"expected an absolute path, as in {example}")
        return _path(path)

    return parse


def _token(value: object) -> str:
    text = _text(value)
    if len(text) < _METRICS_TOKEN_MIN_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"expected at least {_METRICS_TOKEN_MIN_LENGTH} printable ASCII characters without spaces")
    return text


def _webhook(value: object) -> str:
    """A URL that no error repeats."""
    text = value if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("expected https://HOST[:PORT]/PATH in printable ASCII characters, with no user in it")
    if len(text) > limits.TARGET_URL_MAX_BYTES:
        raise ValueError(f"expected a URL of at most {limits.TARGET_URL_MAX_BYTES} bytes")
    return text


def _encryption(value: object) -> str | None:
    text = _text(value)
    if text not in {"SSE-B2", "none"}:
        raise ValueError(f"expected SSE-B2 or none, got {value!r}")
    return None if text == "none" else text


def _one_of(*words: str) -> Callable[[object], str]:
    """A reader of one of these words."""

    def read(value: object) -> str:
        if value not in words:
            raise ValueError(f"expected {', '.join(words[:-1])} or {words[-1]}, got {value!r}")
        return str(value)

    return read


def _smtp_url(value: object) -> str:
    text = _text(value)
    if not _SMTP_URL.match(text):
        raise ValueError(f"expected smtp://HOST[:PORT] or smtps://HOST[:PORT], got {text!r}")
    return text.rstrip("/")


def _email(value: object) -> str:
    text = _text(value).strip()
    if not _MAIL_FROM.match(text) or not text.isprintable():
        raise ValueError(f"expected an address such as console@example.com, got {text!r}")
    return text


_OPTIONS: dict[str, Callable[[object], Any]] = {
    "data": _path,
    "listen": _address,
    "console_listen": _address,
    "workers": _workers,
    "domain": _domain,
    "region": _region,
    "public_url": _url,
    "console_url": _url,
    "trusted_proxy": _networks,
    "catalog": _engine("sqlite", "sqlite:///DIR/catalog.db"),
    "blobs": _engine("local", "local:///DIR"),
    "tls_cert": _path,
    "tls_key": _path,
    "metrics_token": _token,
    "test_hooks": _switch,
    "test_chance": _text,
    "test_seed": _number_up_to(limits.TEST_SEED_MAX),
    "lifecycle_interval": _seconds_up_to(limits.LIFECYCLE_INTERVAL_MAX_S),
    "lifecycle_hour": _number_up_to(23),
    "allow_targets": _networks,
    "target_ca": _path,
    "alert_webhook": _webhook,
    "default_encryption": _encryption,
    "prices": lambda value: parse_prices(_text(value)),
    "sign_up": _one_of("open", "invitation", "closed"),
    "terms": _path,
    "session_idle": _seconds_up_to(limits.SESSION_MAX_S),
    "smtp_url": _smtp_url,
    "smtp_user": _text,
    "smtp_password": _text,
    "mail_from": _email,
}
