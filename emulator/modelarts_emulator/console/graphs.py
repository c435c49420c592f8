"""Steps that depend on each other, drawn as SVG text: each below what it waits for."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from modelarts_emulator.console.readable import TONE_OF

BOX, TALL, GAP_ACROSS, GAP_DOWN, EDGE = 168, 50, 24, 44, 12
MOST_LETTERS = 20


class Step(NamedTuple):
    """A step of a graph. needs: the steps that it waits for, with a word at the line to each, "" for none."""

    name: str
    kind: str
    state: str
    needs: dict[str, str]


def graph(title: str, steps: Sequence[Step]) -> Markup:
    """The steps in rows, with lines from each to those that wait for it; empty text without any step."""
    if not steps:
        return Markup("")
    rows = rows_of(steps)
    width = 2 * EDGE + max(map(len, rows)) * (BOX + GAP_ACROSS) - GAP_ACROSS
    height = 2 * EDGE + len(rows) * (TALL + GAP_DOWN) - GAP_DOWN
    places = {}
    for down, row in enumerate(rows):
        start = (width - len(row) * (BOX + GAP_ACROSS) + GAP_ACROSS) / 2
        for across, step in enumerate(row):
            places[step.name] = (start + across * (BOX + GAP_ACROSS), EDGE + down * (TALL + GAP_DOWN))
    lines = [
        line(places[need], places[step.name], word) for step in steps for need, word in step.needs.items()
    ]
    boxes = [box(step, *places[step.name]) for step in steps]
    head = f'<svg class="graph" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"'
    return Markup(f'{head} aria-label="{escape(title)}">{"".join(lines)}{"".join(boxes)}</svg>')


def rows_of(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps by how many others lie on the longest way to each, those of a row below what they wait for.

    A circle, which conditions can make, ends where all have been passed.
    """
    depth = {step.name: 0 for step in steps}
    for _ in steps:
        for step in steps:
            depth[step.name] = min(len(steps) - 1, max([0, *(depth[need] + 1 for need in step.needs)]))
    found = [[step for step in steps if depth[step.name] == row] for row in range(max(depth.values()) + 1)]
    across: dict[str, float] = {}
    for row in found:
        row.sort(key=lambda step: mean([across[need] for need in step.needs if need in across]))
        across |= {step.name: at - (len(row) - 1) / 2 for at, step in enumerate(row)}
    return [row for row in found if row]


def mean(values: Sequence[float]) -> float:
    """The mean of the values; 0, the middle of a row, for none."""
    return sum(values) / len(values) if values else 0.0


def line(above: tuple[float, float], below: tuple[float, float], word: str) -> str:
    """The line from the foot of one box to the head of another, with its word."""
    x1, y1, x2, y2 = above[0] + BOX / 2, above[1] + TALL, below[0] + BOX / 2, below[1]
    middle = (y1 + y2) / 2
    path = f'<path class="edge" d="M{x1:.1f},{y1:.1f} C{x1:.1f},{middle:.1f} {x2:.1f},{middle:.1f} {x2:.1f},{y2:.1f}"/>'
    head = (
        f'<path class="tip" d="M{x2 - 4:.1f},{y2 - 7:.1f} L{x2:.1f},{y2:.1f} L{x2 + 4:.1f},{y2 - 7:.1f} Z"/>'
    )
    # On the side of the tip that the line does not come from.
    side, anchor = (-8, "end") if x1 > x2 else (8, "start")
    place = f'x="{x2 + side:.1f}" y="{y2 - 8:.1f}" text-anchor="{anchor}"'
    text = f"<text {place}>{escape(word)}</text>" if word else ""
    return path + head + text


def box(step: Step, across: float, down: float) -> str:
    """A step as a box with its name and its state, the kind where it has none; the whole name on pointing at it."""
    name = step.name if len(step.name) <= MOST_LETTERS else f"{step.name[: MOST_LETTERS - 1]}…"
    words = escape(f"{step.name}: {step.kind} {step.state}")
    middle, tone = across + BOX / 2, TONE_OF.get(step.state, "plain")
    return (
        f'<g class="step {tone}"><title>{words}</title>'
        f'<rect x="{across:.1f}" y="{down:.1f}" width="{BOX}" height="{TALL}" rx="6"/>'
        f'<text class="name" x="{middle:.1f}" y="{down + 20:.1f}" text-anchor="middle">{escape(name)}</text>'
        f'<text x="{middle:.1f}" y="{down + 38:.1f}" text-anchor="middle">{escape(step.state or step.kind)}</text></g>'
    )
