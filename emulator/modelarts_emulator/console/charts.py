"""Charts as SVG text, drawn on the server: lines and parallel axes."""

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT, LEFT, EDGE = 640, 240, 56, 24
# More points than pixels show nothing more.
MOST_POINTS = 300

Points = Sequence[tuple[float, float]]


def thinned(points: Points) -> Points:
    """The points, evenly chosen where there are too many; the last one stays."""
    if len(points) <= MOST_POINTS:
        return points
    step = len(points) / MOST_POINTS
    return [*(points[int(at * step)] for at in range(MOST_POINTS)), points[-1]]


def line_chart(title: str, series: Sequence[tuple[str, Points]]) -> Markup:
    """Lines over common axes. series: (class of the line, its points); empty text without any point."""
    points = [point for _, line in series for point in line]
    if not points:
        return Markup("")
    low_x, high_x = span([x for x, _ in points])
    low_y, high_y = span([y for _, y in points])

    def place(x: float, y: float) -> str:
        across = LEFT + (x - low_x) / (high_x - low_x) * (WIDTH - LEFT - EDGE)
        down = HEIGHT - EDGE - (y - low_y) / (high_y - low_y) * (HEIGHT - 2 * EDGE)
        return f"{across:.1f},{down:.1f}"

    lines = [drawn(kind, [place(x, y) for x, y in thinned(line)]) for kind, line in series if line]
    marks = axes(f"{low_y:.4g}", f"{high_y:.4g}", f"{low_x:.4g}", f"{high_x:.4g}")
    return framed(title, [*marks, *lines])


def span(values: Sequence[float]) -> tuple[float, float]:
    """Least and largest of the values, apart also where all are equal."""
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def drawn(kind: str, places: Sequence[str]) -> str:
    """One line through places; a single one is a dot."""
    if len(places) == 1:
        across, down = places[0].split(",")
        return f'<circle class="{kind}" cx="{across}" cy="{down}" r="3"/>'
    return f'<polyline class="{kind}" points="{" ".join(places)}"/>'


def axes(low_y: str, high_y: str, low_x: str, high_x: str) -> list[str]:
    """Both axes with their ends."""
    bottom, right = HEIGHT - EDGE, WIDTH - EDGE
    return [
        f'<line class="axis" x1="{LEFT}" y1="{EDGE}" x2="{LEFT}" y2="{bottom}"/>',
        f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>',
        f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end">{low_y}</text>',
        f'<text x="{LEFT - 6}" y="{EDGE + 4}" text-anchor="end">{high_y}</text>',
        f'<text x="{LEFT}" y="{HEIGHT - 6}">{low_x}</text>',
        f'<text x="{right}" y="{HEIGHT - 6}" text-anchor="end">{high_x}</text>',
    ]


def parallel_axes(
    title: str, names: Sequence[str], rows: Sequence[Sequence[float | str]], best: int
) -> Markup:
    """One axis a name, one line a row; best: the number of the row that stands out, -1 for none.

    What is no number has its place by the order in which such values come first.
    """
    if not rows or len(names) < 2:
        return Markup("")
    columns = [places_of([row[at] for row in rows]) for at in range(len(names))]
    step = (WIDTH - 2 * LEFT) / (len(names) - 1)
    parts = []
    for at, name in enumerate(names):
        across = LEFT + at * step
        parts.append(
            f'<line class="axis" x1="{across:.1f}" y1="{EDGE}" x2="{across:.1f}" y2="{HEIGHT - EDGE}"/>'
        )
        parts.append(f'<text x="{across:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(name)}</text>')
    order = sorted(range(len(rows)), key=lambda number: number == best)
    for number in order:
        places = [
            f"{LEFT + at * step:.1f},{HEIGHT - EDGE - column[number] * (HEIGHT - 2 * EDGE):.1f}"
            for at, column in enumerate(columns)
        ]
        parts.append(drawn("best" if number == best else "faint", places))
    return framed(title, parts)


def places_of(values: Sequence[float | str]) -> list[float]:
    """Where each value stands on its axis, from 0 to 1."""
    kinds = list(dict.fromkeys(value for value in values if isinstance(value, str)))
    numbers = [float(kinds.index(value) if isinstance(value, str) else value) for value in values]
    low, high = span(numbers)
    return [(number - low) / (high - low) for number in numbers]


def framed(title: str, parts: Sequence[str]) -> Markup:
    """The whole picture, with a name for those who do not see it."""
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
    return Markup(head + "".join(parts) + "</svg>")
