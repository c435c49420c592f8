"""Forecasts of series from their own past, and of a table's column from rows that are like."""

import math
from itertools import product

SMOOTHINGS = (0.05, 0.2, 0.5, 0.9)
TRENDS = (0.01, 0.1)
SEASONALS = (0.05, 0.3)
DAMPINGS = (0.95, 0.999)
SEASONAL_ENOUGH = 0.3
MOST_NEIGHBOURS = 15
ROWS_AT_ONCE = 100


class BadTable(ValueError):
    """A table from which nothing can be predicted; its words say why."""


def forecast(values: list[float], horizon: int) -> list[float]:
    """The next values: Holt-Winters with the period that the series shows; a damped trend alone where it has none."""
    import numpy as np

    series = np.asarray(values, float)
    if len(series) == 0 or np.ptp(series) == 0:
        return [float(series[-1]) if len(series) else 0.0] * horizon
    centre, scale = series.mean(), np.abs(series - series.mean()).max()
    told = holt_winters((series - centre) / scale, period_of(series), horizon)
    return [float(value) for value in told * scale + centre]


def period_of(series) -> int:
    """After how many values the series repeats itself; 1 when it does not."""
    import numpy as np

    length = len(series)
    if length < 6:
        return 1
    places = np.arange(length)
    rest = series - np.polyval(np.polyfit(places, series, 1), places)
    power = float(rest @ rest)
    if power < 1e-12 * max(1.0, float(series @ series)):
        return 1
    lags = range(2, length // 2 + 1)
    likeness = np.array([rest[lag:] @ rest[:-lag] / power * length / (length - lag) for lag in lags])
    rising = np.diff(likeness, prepend=1.0, append=-1.0)
    peaks = [at for at in range(len(likeness)) if rising[at] >= 0 >= rising[at + 1]]
    best = max((likeness[at] for at in peaks), default=0.0)
    if best < SEASONAL_ENOUGH:
        return 1
    return next(at + 2 for at in peaks if likeness[at] >= 0.9 * best)


def holt_winters(series, period: int, horizon: int):
    """The next values by additive smoothing, with the constants that would have foretold the series itself best."""
    import numpy as np

    seasonals = SEASONALS if period > 1 else (0.0,)
    options = list(product(SMOOTHINGS, TRENDS, seasonals, DAMPINGS))
    alpha, beta, gamma, damping = (np.array(column) for column in zip(*options, strict=True))
    seasons = np.zeros((period, len(options)))
    first = min(period, len(series))
    level = np.full(len(options), series[:first].mean())
    trend = np.full(len(options), first_trend(series, period))
    if period > 1:
        seasons[:] = seasonal_start(series, period)[:, None]
    errors = np.zeros(len(options))
    for at, value in enumerate(series):
        season = seasons[at % period]
        expected = level + damping * trend + season
        errors += (value - expected) ** 2 * (at >= period)
        before = level
        level = alpha * (value - season) + (1 - alpha) * (level + damping * trend)
        trend = beta * (level - before) + (1 - beta) * damping * trend
        seasons[at % period] = gamma * (value - level) + (1 - gamma) * season
    best = int(errors.argmin())
    ahead = np.arange(1, horizon + 1)
    kept = damping[best]
    drift = trend[best] * kept * (1 - kept**ahead) / (1 - kept)
    return level[best] + drift + seasons[(len(series) + ahead - 1) % period, best]


def first_trend(series, period: int) -> float:
    """The slope between the first period and the second, or of the first values where there is no period."""
    span = period if period > 1 else 4
    if len(series) < 2 * span:
        return 0.0
    return float(series[span : 2 * span].mean() - series[:span].mean()) / span


def seasonal_start(series, period: int):
    """How each place in the period differs from the mean, after the line through the series is taken away."""
    import numpy as np

    places = np.arange(len(series))
    rest = series - np.polyval(np.polyfit(places, series, 1), places)
    return np.array([rest[at::period].mean() for at in range(period)])


def next_classes(values: list[float], horizon: int) -> list[float]:
    """The next values of a series of classes: what followed where the past was most like the end of the series.

    Only values that the series has had come out.
    """
    told = list(values)
    window = max(1, min(16, len(values) // 4))
    for _ in range(horizon):
        end = told[-window:]
        places = range(len(values) - window)
        if not places:
            told.append(told[-1])
            continue
        likest = max(places, key=lambda at: (sum(a == b for a, b in zip(values[at:], end, strict=False)), at))
        told.append(values[likest + window])
    return told[len(values) :]


def predicted(sample: dict, target: str, rows: list[dict], classifies: bool) -> list:
    """The target of each row, from the rows of the sample that are nearest to it.

    Numbers count by how far they lie apart against their spread, anything else by being the same or not; what a row
    does not say does not count. BadTable when the sample has no target, columns of several lengths or nothing to go by.
    """
    features = [name for name in sample if name != target]
    known = known_targets(sample, target, classifies)
    if not features:
        raise BadTable(f"the sample has no column beside {target}")
    columns = {name: [sample[name][at] for at, _ in known] for name in features}
    targets = [value for _, value in known]
    told = []
    for first in range(0, len(rows), ROWS_AT_ONCE):
        portion = rows[first : first + ROWS_AT_ONCE]
        away = sum(distances(columns[name], [row.get(name) for row in portion]) for name in features)
        told += [vote(line, targets, classifies) for line in away]
    return told


def known_targets(sample: dict, target: str, classifies: bool) -> list[tuple]:
    """(place, target) of the sample's rows that say it."""
    if target not in sample:
        raise BadTable(f"the sample has no column {target[:80]}; it has {', '.join(sample)[:200]}")
    lengths = {len(column) for column in sample.values()}
    if len(lengths) != 1:
        raise BadTable(
            f"the columns of the sample have {sorted(lengths)} rows, all must have the same number"
        )
    known = [(at, value) for at, value in enumerate(sample[target]) if value is not None]
    if not known:
        raise BadTable(f"the column {target[:80]} of the sample is empty")
    if classifies:
        if any(isinstance(value, dict | list) for _, value in known):
            raise BadTable(f"a class in {target[:80]} must be a text, a number or a truth value")
    elif not all(is_number(value) for _, value in known):
        raise BadTable(f"the column {target[:80]} must hold numbers for a regression")
    return known


def distances(column: list, values: list):
    """(values, rows of the sample): how far apart they are in one feature, squared."""
    import numpy as np

    if all(value is None or is_number(value) for value in column + values):
        known = np.array([math.nan if value is None else float(value) for value in column])
        asked = np.array([math.nan if value is None else float(value) for value in values])
        present = known[~np.isnan(known)]
        spread = float(present.std()) if len(present) else 0.0
        apart = (asked[:, None] - known[None, :]) / (spread or 1.0)
        return np.nan_to_num(apart**2, nan=0.0)
    return np.array(
        [[0.0 if value is None or value == other else 1.0 for other in column] for value in values]
    )


def vote(away, targets: list, classifies: bool):
    """What the nearest rows say, nearer ones counting more; a row that is equal decides alone."""
    import numpy as np

    number = min(len(targets), MOST_NEIGHBOURS, max(1, math.isqrt(len(targets))))
    nearest = np.argpartition(away, number - 1)[:number]
    equal = np.flatnonzero(away < 1e-18)
    nearest = equal if len(equal) else nearest
    weights = 1 / (np.sqrt(away[nearest]) + 1e-9)
    if not classifies:
        return float(
            sum(weight * targets[at] for weight, at in zip(weights, nearest, strict=True)) / weights.sum()
        )
    votes: dict = {}
    for weight, at in zip(weights, nearest, strict=True):
        key = (type(targets[at]).__name__, targets[at])
        votes[key] = votes.get(key, 0.0) + float(weight)
    return max(votes, key=lambda key: (votes[key], str(key)))[1]


def is_number(value) -> bool:
    """Whether a value of JSON is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
