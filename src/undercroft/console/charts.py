"""Charts as inline SVG, made on the server: their geometry here, their markup in `templates/charts.html`.

There is no library in it. Those for Python that draw SVG (pygal, leather, matplotlib) write colours and fonts into style
attributes and elements, which the content security policy refuses, and know nothing of our tokens, light and dark. What a
report needs is little: bars that are stacked, and lines, over days.

The SVG holds shapes alone and is stretched to the room there is, so that texts, which stand beside it as ordinary text, keep
their size on every screen. Coordinates are those of a box of `WIDTH` by `HEIGHT`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from undercroft.console.languages import _

WIDTH = 1000
HEIGHT = 200
TICKS = 4  # Lines across the chart above the one at zero.
_BAR_WIDTH = 0.72  # Of a day's room.
_STEPS = (1, 2, 3, 4, 5, 6, 8, 10)  # From one line across to the next, times a power of ten.
_DOT_WIDTH = 0.4  # Of a day's room, where a line has one point alone.

Kind = Literal["bars", "lines"]
Format = Callable[[float], str]


class Series(NamedTuple):
    """One quantity by day. `tone` is a number from 1 on, which the stylesheet has a colour for; None: nobody looked."""

    name: str
    tone: int
    values: Sequence[float | None]


class Bar(NamedTuple):
    """A bar, or a piece of one."""

    tone: int
    x: str
    y: str
    width: str
    height: str


class Line(NamedTuple):
    """A line, as the `d` of an SVG path."""

    tone: int
    path: str


class Day(NamedTuple):
    """The room of a day, which shows its values when it is pointed at."""

    x: str
    width: str
    text: str


class Chart(NamedTuple):
    """A chart, ready for its template. `ticks` are the labels of the lines across, from the top down to zero."""

    title: str
    series: Sequence[Series]
    bars: list[Bar]
    lines: list[Line]
    days: list[Day]
    ticks: list[str]
    labels: list[str]  # Under the chart: the first day, one in the middle, the last.
    summary: str  # What those are told who do not see it.


def chart(title: str, days: Sequence[str], series: Sequence[Series], kind: Kind, show: Format) -> Chart:
    """A chart of series that have a value for each day; `show` writes a value with its unit."""
    tops = _stacked(days, series) if kind == "bars" else [value for one in series for value in one.values if value]
    top = _round_up(max([*tops, 0]))
    return Chart(
        title,
        series,
        _bars(days, series, top) if kind == "bars" else [],
        [Line(one.tone, _path(one.values, top)) for one in series] if kind == "lines" else [],
        [
            Day(_number(index * WIDTH / len(days)), _number(WIDTH / len(days)), _text(day, index, series, show))
            for index, day in enumerate(days)
        ],
        [show(top * tick / TICKS) for tick in range(TICKS, -1, -1)],
        [days[0], *([days[len(days) // 2]] if len(days) > 2 else []), *([days[-1]] if len(days) > 1 else [])],
        _summary(title, days, series, show),
    )


def sparkline(values: Sequence[float | None]) -> str:
    """A line of one quantity by day without anything around it, as the `d` of a path in the box.

    Empty where there never was any, or fewer than two days are known: that is no line.
    """
    known = [value for value in values if value is not None]
    return _path(values, max(known)) if len(known) > 1 and max(known) else ""


def _stacked(days: Sequence[str], series: Sequence[Series]) -> list[float]:
    return [sum(one.values[index] or 0 for one in series) for index in range(len(days))]


def _bars(days: Sequence[str], series: Sequence[Series], top: float) -> list[Bar]:
    room = WIDTH / len(days)
    bars = []
    for index in range(len(days)):
        floor = float(HEIGHT)
        for one in series:
            height = (one.values[index] or 0) / top * HEIGHT
            if height > 0:
                floor -= height
                x = index * room + room * (1 - _BAR_WIDTH) / 2
                bars.append(Bar(one.tone, _number(x), _number(floor), _number(room * _BAR_WIDTH), _number(height)))
    return bars


def _path(values: Sequence[float | None], top: float) -> str:
    """A line through the middles of the days, broken where nobody looked. A day alone is a short line across it."""
    room = WIDTH / len(values)
    steps: list[str] = []
    for index, value in enumerate(values):
        if value is None:
            continue
        x, y = (index + 0.5) * room, _number(HEIGHT - value / top * HEIGHT)
        follows = index > 0 and values[index - 1] is not None
        if not follows and (index + 1 == len(values) or values[index + 1] is None):
            half = room * _DOT_WIDTH / 2
            steps.append(f"M{_number(x - half)} {y}L{_number(x + half)} {y}")
        else:
            steps.append(f"{'L' if follows else 'M'}{_number(x)} {y}")
    return "".join(steps)


def _text(day: str, index: int, series: Sequence[Series], show: Format) -> str:
    values = ((one.name, one.values[index]) for one in series)
    return "\n".join([day, *(f"{name}: {'-' if value is None else show(value)}" for name, value in values)])


def _summary(title: str, days: Sequence[str], series: Sequence[Series], show: Format) -> str:
    span = days[0] if len(days) == 1 else _("%(first)s to %(last)s", first=days[0], last=days[-1])
    highest = (
        _("%(name)s at most %(amount)s", name=one.name, amount=show(max(known)))
        for one in series
        if (known := [value for value in one.values if value is not None])
    )
    return f"{title}, {span}: {'; '.join(highest) or _('nothing was counted')}."


def _round_up(value: float) -> float:
    """The next number whose ticks are whole and easy to read; at least as many as there are ticks."""
    step = max(value / TICKS, 1)
    power = 10.0 ** math.floor(math.log10(step))
    return TICKS * next(nice * power for nice in _STEPS if nice * power >= step * (1 - 1e-9))


def _number(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
