"""How much of their caps accounts use, for Prometheus: read from the catalog when somebody asks for `/metrics`.

So an alert of Prometheus's own can stand at any percentage. Only what has caps has lines.
"""

from __future__ import annotations

from undercroft.store import Store
from undercroft.store.accounting.alert_settings import PERCENTAGES
from undercroft.store.accounting.model import ALERTING, Standing

_USED = "undercroft_cap_used_ratio"
_BUCKET_USED = "undercroft_bucket_cap_used_ratio"
_KEY_USED = "undercroft_key_cap_used_ratio"
_ALERTS = "undercroft_cap_alerts"


async def cap_metrics(store: Store) -> bytes:
    """The lines of the page: account ids, categories and names of buckets have no characters that need escaping."""
    standings = await store.accounting.caps.every_standing()
    standings = [one for one in standings if not one.is_soft]
    lines = [f"# HELP {_USED} Part of a cap that an account uses: 1 is all of it.", f"# TYPE {_USED} gauge"]
    lines += [_used(one, _USED) for one in standings if one.subject.kind == "account"]
    lines += [f"# HELP {_BUCKET_USED} Part of a bucket's cap that is used.", f"# TYPE {_BUCKET_USED} gauge"]
    lines += [
        _used(one, _BUCKET_USED, f'bucket="{one.subject.name}",') for one in standings if one.subject.kind == "bucket"
    ]
    lines += [f"# HELP {_KEY_USED} Part of an application key's cap that is used.", f"# TYPE {_KEY_USED} gauge"]
    lines += [
        _used(one, _KEY_USED, f'key="{one.subject.subject_id}",') for one in standings if one.subject.kind == "key"
    ]
    counts = dict.fromkeys(((category, percent) for category in ALERTING for percent in PERCENTAGES), 0)
    caps_alone = [one for one in await store.accounting.alerts.recent(None, days=1) if not one.is_soft]
    for alert in caps_alone:
        counts[alert.category, alert.percent] = counts.get((alert.category, alert.percent), 0) + 1
    lines += [f"# HELP {_ALERTS} Alerts raised today (UTC) about caps.", f"# TYPE {_ALERTS} gauge"]
    for (category, percent), count in counts.items():
        lines.append(f'{_ALERTS}{{category="{category}",percent="{percent}"}} {count}')
    return "\n".join([*lines, ""]).encode()


def _used(one: Standing, metric: str, label: str = "") -> str:
    used = one.used / one.cap if one.cap else 1.0
    return f'{metric}{{account="{one.account_id}",{label}category="{one.category}"}} {used:.6g}'
