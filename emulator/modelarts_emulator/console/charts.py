"""Charts as SVG text, drawn on the server: lines over common axes, parallel axes, bars."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 520, 260, 64, 16, 14, 44
# Parallel axes need room for a name each.
BROAD, TALL, SIDE = 960, 300, 80
# More points than pixels show nothing more.
MOST_POINTS = 300
MOST_CATEGORIES = 8
LONGEST_NAME = 18
# What a legend shows of a line, and of dots.
SAMPLES = (("1,5", "23,5"), ("12,5",))

Points = Sequence[tuple[float, float]]


class Series(NamedTuple):
    """A line. kind: its class, which gives it its looks; words: what is told on pointing at it."""

    kind: str
    points: Points
    words: str = ""


def thinned(points: Points) -> Points:
    """The points, evenly chosen where there are too many; the last one stays."""
    if len(points) <= MOST_POINTS:
        return points
    step = len(points) / MOST_POINTS
    return [*(points[int(at * step)] for at in range(MOST_POINTS)), points[-1]]


def line_chart(title: str, series: Sequence[tuple], across: str = "", up: str = "") -> Markup:
    """Lines over common axes.

    series: what Series holds, one each; empty text without any point. across, up: what the axes measure.
    """
    lines = [Series(*each) for each in series if each[1]]
    if not lines:
        return Markup("")
    places = [x for line in lines for x, _ in line.points]
    low_x, high_x = span(places)
    least = 1.0 if all(float(x).is_integer() for x in places) else 0.0
    marks_y = ticks(*span([y for line in lines for _, y in line.points]), 4)
    low_y, high_y = marks_y[0], marks_y[-1]
    marks_x = [mark for mark in ticks(low_x, high_x, 6, least) if low_x <= mark <= high_x]

    def right(x: float) -> float:
        return LEFT + (x - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)

    def down(y: float) -> float:
        return HEIGHT - BOTTOM - (y - low_y) / (high_y - low_y) * (HEIGHT - TOP - BOTTOM)

    parts = [
        *(horizontal(down(mark), number(mark)) for mark in marks_y),
        *(text(right(mark), HEIGHT - BOTTOM + 17, number(mark), "middle") for mark in marks_x),
        f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none"/>',
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, across, "middle"),
        text(LEFT + 6, TOP + 10, up, "start"),
        *(drawn(line, [f"{right(x):.1f},{down(y):.1f}" for x, y in thinned(line.points)]) for line in lines),
    ]
    return framed(title, parts, WIDTH, HEIGHT)


def span(values: Sequence[float]) -> tuple[float, float]:
    """Least and largest of the values, apart also where all are equal."""
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def ticks(low: float, high: float, about: int, least: float = 0.0) -> list[float]:
    """Round numbers, evenly apart and about so many, from at most the low one to at least the high one.

    least: how far apart they are at least.
    """
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    steps = (1, 2, 5, 10) if least else (1, 2, 2.5, 5, 10)
    step = max(least, next(power * each for each in steps if power * each >= rough * 0.999))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [at * step for at in range(first, last + 1)]


def number(value: float) -> str:
    """A number as it stands at an axis."""
    return f"{value:.5g}"


def text(x: float, y: float, words: str, anchor: str) -> str:
    """Words at a place; nothing for none."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>' if words else ""


def horizontal(y: float, words: str) -> str:
    """A line of the grid with what it stands for."""
    line = f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return line + text(LEFT - 6, y + 4, words, "end")


def drawn(line: Series, places: Sequence[str]) -> str:
    """One line through places; a single one is a dot."""
    told = f"<title>{escape(line.words)}</title>" if line.words else ""
    if len(places) == 1:
        x, y = places[0].split(",")
        return f'<circle class="{line.kind}" cx="{x}" cy="{y}" r="3">{told}</circle>'
    return f'<polyline class="{line.kind}" points="{" ".join(places)}">{told}</polyline>'


class Axis(NamedTuple):
    """One of parallel axes: where each row stands on it, from 0 to 1, and what is written beside it at which place."""

    name: str
    places: list[float]
    marks: list[tuple[float, str]]


def parallel_axes(title: str, names: Sequence[str], rows: Sequence[Series]) -> Markup:
    """One axis a name, one line a row, drawn in the order of the rows; empty text for less than two axes.

    rows: Series whose points are the values, a number or text each. Text has its place in the order in which it comes
    first.
    """
    if not rows or len(names) < 2:
        return Markup("")
    axes = [axis_of(name, [row.points[at] for row in rows]) for at, name in enumerate(names)]
    step = (BROAD - 2 * SIDE) / (len(names) - 1)
    top, bottom = 34, TALL - 16
    parts = []
    for at, axis in enumerate(axes):
        x = SIDE + at * step
        parts.append(f'<path class="axis" d="M{x:.1f} {top}V{bottom}"/>')
        parts.append(text(x, 16, shortened(axis.name), "middle"))
    for index, row in enumerate(rows):
        places = [
            f"{SIDE + at * step:.1f},{bottom - axis.places[index] * (bottom - top):.1f}"
            for at, axis in enumerate(axes)
        ]
        parts.append(drawn(row, places))
    for at, axis in enumerate(axes):
        is_last = at == len(axes) - 1
        x = SIDE + at * step + (6 if is_last else -6)
        for place, words in axis.marks:
            y = bottom - place * (bottom - top) + 4
            parts.append(text(x, y, shortened(words), "start" if is_last else "end"))
    return framed(title, parts, BROAD, TALL)


def axis_of(name: str, values: Sequence[float | str]) -> Axis:
    """The axis of values: numbers by their size, text by the order in which it comes first."""
    if all(not isinstance(value, str) for value in values):
        low, high = span([float(value) for value in values])
        marks = [(at, f"{low + at * (high - low):.3g}") for at in (0.0, 0.5, 1.0)]
        return Axis(name, [(float(value) - low) / (high - low) for value in values], marks)
    kinds = list(dict.fromkeys(map(str, values)))
    place = {kind: (at + 0.5) / len(kinds) for at, kind in enumerate(kinds)}
    marks = [(place[kind], kind) for kind in kinds[:MOST_CATEGORIES]]
    return Axis(name, [place[str(value)] for value in values], marks)


def shortened(words: str) -> str:
    """Words that fit beside an axis."""
    return words if len(words) <= LONGEST_NAME else words[: LONGEST_NAME - 1] + "…"


def bar(start: float, end: float, kind: str = "", title: str = "", least: float = 0.0) -> Markup:
    """A bar on a track, from one part of its length to another, both from 0 to 1. least: how long it is at least."""
    width = 100 * max(least, end - start)
    named = f'role="img" aria-label="{escape(title)}"' if title else 'aria-hidden="true"'
    return Markup(
        f'<svg viewBox="0 0 100 14" preserveAspectRatio="none" {named}><rect class="track" width="100" height="14"/>'
        f'<rect class="bar {kind}" x="{100 * min(start, 1 - least):.2f}" width="{width:.2f}" height="14"/></svg>'
    )


def framed(title: str, parts: Sequence[str], width: int, height: int) -> Markup:
    """The whole picture, with a name for those who do not see it."""
    head = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
    return Markup(head + "".join(parts) + "</svg>")


def legend(*kinds: tuple[str, str]) -> Markup:
    """What the lines of each class stand for. kinds: (class, words)."""
    marks = "".join(
        f'<li><svg viewBox="0 0 24 10" aria-hidden="true">{drawn(Series(kind, ()), SAMPLES[kind == "dots"])}</svg>'
        f"{escape(words)}</li>"
        for kind, words in kinds
    )
    return Markup(f'<ul class="legend bare">{marks}</ul>')
