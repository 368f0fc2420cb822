"""What a browser says it is, in words that its owner recognizes."""

from __future__ import annotations

from undercroft.console.languages import _

# The first that is there counts: browsers also name those that they are like.
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str) -> str:
    """The browser and its system, or the first word of what says something else."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), user_agent.partition("/")[0][:40])
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    browser = browser or _("Unknown")
    return _("%(browser)s on %(system)s", browser=browser, system=system) if system else browser
