"""The picture of one parameter's influence, as PNG."""

import math
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from modelarts_emulator.simulation.parameters import Parameter, position_of, ranked_values

WIDTH, HEIGHT = 800, 520
LEFT, RIGHT, TOP, BOTTOM = 84, 28, 94, 76
FINER = 3
INK, FAINT, GRID, PAPER = (38, 43, 51), (110, 117, 128), (228, 231, 236), (255, 255, 255)
LINE, BAND, DOT = (31, 99, 176), (31, 99, 176, 45), (226, 120, 42, 190)
MOST_LABELS, LONGEST_LABEL = 12, 14


def draw(parameter: Parameter, marginal, shown, mean: float, deviation: float) -> bytes:
    """The marginal (line and band, or a mark a value) over the trials that were run; shown: (value, reward) pairs."""
    sheet = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), PAPER)
    pen = ImageDraw.Draw(sheet, "RGBA")
    lowest, highest = reward_range(marginal, shown)

    def x(position: float) -> float:
        return (LEFT + position * (WIDTH - LEFT - RIGHT)) * FINER

    def y(reward: float) -> float:
        return (HEIGHT - BOTTOM - (reward - lowest) / (highest - lowest) * (HEIGHT - TOP - BOTTOM)) * FINER

    draw_frame(pen, parameter, x, y, lowest, highest)
    if parameter["values"]:
        draw_marks(pen, marginal, x, y)
    else:
        draw_curve(pen, marginal, x, y)
    for index, (value, reward) in enumerate(shown):
        draw_dot(pen, x(position_of(parameter, value) + aside(parameter, index)), y(reward))
    draw_titles(pen, parameter["name"], len(shown), mean, deviation)
    written = BytesIO()
    sheet.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(written, "PNG", optimize=True)
    return written.getvalue()


def draw_frame(pen, parameter: Parameter, x, y, lowest: float, highest: float) -> None:
    """Grid, axes and their labels."""
    for reward in ticks(lowest, highest):
        pen.line([(x(0), y(reward)), (x(1), y(reward))], fill=GRID, width=FINER)
        write(pen, x(0) - 8 * FINER, y(reward), number(reward), 13, FAINT, "rm")
    for position, label in labels_along(parameter):
        if not parameter["values"]:
            pen.line([(x(position), y(lowest)), (x(position), y(highest))], fill=GRID, width=FINER)
        pen.line([(x(position), y(lowest)), (x(position), y(lowest) + 5 * FINER)], fill=FAINT, width=FINER)
        write(pen, x(position), y(lowest) + 10 * FINER, label, 13, FAINT, "ma")
    pen.line([(x(0), y(highest)), (x(0), y(lowest)), (x(1), y(lowest))], fill=INK, width=FINER)
    scale = " (logarithmic)" if parameter["log"] else ""
    write(pen, x(0.5), (HEIGHT - 18) * FINER, parameter["name"] + scale, 15, INK, "mb")
    write(pen, x(0), y(highest) - 8 * FINER, "reward", 13, FAINT, "mb")


def draw_curve(pen, marginal, x, y) -> None:
    """The marginal of a range: a line, and a band of one deviation."""
    triples = list(zip(marginal.positions, marginal.means, marginal.deviations))
    upper = [(x(position), y(mean + doubt)) for position, mean, doubt in triples]
    lower = [(x(position), y(mean - doubt)) for position, mean, doubt in triples]
    pen.polygon(upper + lower[::-1], fill=BAND)
    pen.line(
        [(x(position), y(mean)) for position, mean, _ in triples], fill=LINE, width=3 * FINER, joint="curve"
    )


def draw_marks(pen, marginal, x, y) -> None:
    """The marginal of a choice: at each value a bar from one deviation below to one above, and its mean."""
    half = min(0.3 / len(marginal.positions), 0.06)
    for position, mean, doubt in zip(marginal.positions, marginal.means, marginal.deviations):
        pen.rectangle([x(position - half), y(mean + doubt), x(position + half), y(mean - doubt)], fill=BAND)
        pen.line([(x(position - half), y(mean)), (x(position + half), y(mean))], fill=LINE, width=3 * FINER)


def draw_dot(pen, across: float, down: float) -> None:
    """One trial."""
    size = 3.6 * FINER
    pen.ellipse([across - size, down - size, across + size, down + size], fill=DOT)


def draw_titles(pen, name: str, trials: int, mean: float, deviation: float) -> None:
    """What is shown, and what the marks mean."""
    write(pen, LEFT * FINER, 14 * FINER, f"Influence of {shortened(name, 40)} on the reward", 19, INK, "lt")
    words = f"importance {mean:.4f}, deviation {deviation:.4f}, {trials} trials"
    write(pen, LEFT * FINER, 39 * FINER, words, 13, FAINT, "lt")
    right = (WIDTH - RIGHT) * FINER
    write(pen, right, 22 * FINER, "trial", 13, FAINT, "rm")
    draw_dot(pen, right - 40 * FINER, 22 * FINER)
    write(pen, right, 44 * FINER, "mean over the other parameters", 13, FAINT, "rm")
    at = right - 206 * FINER
    pen.line([(at - 20 * FINER, 44 * FINER), (at, 44 * FINER)], fill=LINE, width=3 * FINER)


def write(pen, across: float, down: float, words: str, size: int, ink, anchor: str) -> None:
    """Words at a place of the sheet."""
    pen.text((across, down), words, fill=ink, font=ImageFont.load_default(size * FINER), anchor=anchor)


def reward_range(marginal, shown) -> tuple[float, float]:
    """Lowest and highest reward on the sheet, with a little air."""
    rewards = [reward for _, reward in shown]
    for mean, doubt in zip(marginal.means, marginal.deviations):
        rewards += [mean - doubt, mean + doubt]
    lowest, highest = min(rewards), max(rewards)
    air = (highest - lowest) * 0.06 or abs(highest) * 0.1 or 0.1
    return lowest - air, highest + air


def labels_along(parameter: Parameter) -> list[tuple[float, str]]:
    """(position, label) along the parameter's axis."""
    if parameter["values"]:
        values = ranked_values(parameter)
        step = math.ceil(len(values) / MOST_LABELS)
        room = max(4, LONGEST_LABEL * 5 // max(5, min(len(values), MOST_LABELS)))
        return [(position_of(parameter, value), shortened(str(value), room)) for value in values[::step]]
    if not parameter["log"]:
        low, high = parameter["lower"], parameter["upper"]
        return [(position_of(parameter, value), number(value)) for value in ticks(low, high)]
    first, last = (
        math.ceil(math.log10(parameter["lower"]) - 1e-9),
        math.floor(math.log10(parameter["upper"]) + 1e-9),
    )
    step = math.ceil((last - first + 1) / 8)
    decades = [float(f"1e{power}") for power in range(first, last + 1, step)]
    return [(min(max(position_of(parameter, value), 0.0), 1.0), f"{value:g}") for value in decades]


def ticks(low: float, high: float) -> list[float]:
    """Four to nine round numbers between two numbers."""
    rough = (high - low) / 6
    if not 0 < rough < math.inf:
        return [low]
    size = 10.0 ** math.floor(math.log10(rough))
    step = size * next(factor for factor in (1, 2, 5, 10) if factor * size >= rough)
    return [count * step for count in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """A round number in few characters."""
    return f"{value:.6g}" if abs(value) > 1e-12 else "0"


def shortened(words: str, room: int) -> str:
    """Words cut to a number of characters; what the font cannot show becomes a question mark."""
    plain = words.encode("latin-1", "replace").decode("latin-1")
    return plain if len(plain) <= room else plain[: room - 1] + "~"


def aside(parameter: Parameter, index: int) -> float:
    """A small step sideways, so that trials of one value do not hide each other."""
    if not parameter["values"]:
        return 0.0
    return ((index * 7) % 11 / 10 - 0.5) * min(0.4 / len(parameter["values"]), 0.08)
