"""A forecast, step by step: the climatology of the hour, plus the anomaly of the start carried along and fading."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from modelarts_emulator.inference.science.climatology import (
    NEVER_NEGATIVE,
    SPECIFICATION,
    climatology,
    currents,
)
from modelarts_emulator.inference.science.grid import Grid
from modelarts_emulator.inference.science.models import SURFACE, ScienceModel
from modelarts_emulator.inference.science.noise import cnop, instability, perlin

STRIDE_HOURS = 6
DOUBLING_HOURS = 48.0
MOST_GROWTH = 8.0


@dataclass
class Disturbance:
    """What a member of an ensemble starts with on top. method: perlin or cnop."""

    method: str
    seed: int
    scale: float = 0.1
    octaves: int = 3
    x: float = 0.5
    y: float = 0.5
    quantity: int = 1


class Forecast:
    """A forecast of some features from a start.

    features: {level or Surface: (variables)}. initial: {(level, variable): plane} where the start is known; the
    climatology elsewhere.
    """

    def __init__(
        self,
        model: ScienceModel,
        features: dict,
        start: datetime,
        initial: dict | None = None,
        disturbance: Disturbance | None = None,
    ):
        self.model, self.features, self.start = model, features, start
        self.grid = Grid.of(model.region)
        usual = climatology(model, self.grid, start)
        state = merged(model, usual, initial or {})
        self.anomalies = {level: self._stacked(state, usual, level) for level in features}
        self.winds = self._winds(state)
        self.noise = self._noise(disturbance, usual) if disturbance else None

    def steps(self, first: int, last: int) -> Iterator[tuple[int, dict]]:
        """(lead hours, {(level, variable): plane}) of the steps from first to last, counted from 1."""
        hours = self.model.step_hours
        places = {level: self._departures(level, (first - 1) * hours) for level in self._carried()}
        for number in range(first, last + 1):
            lead = number * hours
            for level, place in places.items():
                places[level] = self.grid.upstream(self.winds[level], *place, hours)
            yield lead, self._valid_at(lead, places)

    def _valid_at(self, lead: int, places: dict) -> dict:
        usual = climatology(self.model, self.grid, self.start + timedelta(hours=lead))
        kept = np.exp(-lead / self.model.memory)
        grown = min(2 ** (lead / DOUBLING_HOURS), MOST_GROWTH)
        found = {}
        for level, names in self.features.items():
            planes = np.stack([usual[name][self._row(level)] for name in names])
            if level in places:
                carried = kept * self.anomalies[level]
                if self.noise is not None:
                    carried = carried + grown * self.noise[level]
                planes = planes + self.grid.at(carried, *places[level])
            for name, plane in zip(names, planes, strict=True):
                found[level, name] = within_bounds(name, plane)
        return found

    def _carried(self) -> list:
        if self.noise is not None:
            return list(self.features)
        return [level for level, planes in self.anomalies.items() if planes.any()]

    def _departures(self, level, lead: int) -> tuple:
        place, gone = self.grid.mesh, 0
        while gone < lead:
            hours = min(max(STRIDE_HOURS, self.model.step_hours), lead - gone)
            place = self.grid.upstream(self.winds[level], *place, hours)
            gone += hours
        return place

    def _row(self, level) -> int:
        return 0 if level == SURFACE else self.model.levels.index(level)

    def _stacked(self, state: dict, usual: dict, level) -> np.ndarray:
        row = self._row(level)
        return np.stack([state[name][row] - usual[name][row] for name in self.features[level]])

    def _winds(self, state: dict) -> dict:
        carriers = currents(self.model, self.grid, self.start, state)
        return {
            level: carriers["surface"][:, 0] if level == SURFACE else carriers["upper"][:, self._row(level)]
            for level in self.features
        }

    def _noise(self, disturbance: Disturbance, usual: dict) -> dict:
        source = np.random.default_rng(disturbance.seed)
        growth = instability(self.grid, usual["T2M"][0])
        planes = {}
        for name in dict.fromkeys(name for names in self.features.values() for name in names):
            if disturbance.method == "cnop":
                plane = cnop(self.grid, source, disturbance.quantity, growth)
            else:
                plane = perlin(self.grid, source, disturbance.octaves, disturbance.x, disturbance.y)
            planes[name] = disturbance.scale * SPECIFICATION[name][2] * plane
        return {level: np.stack([planes[name] for name in names]) for level, names in self.features.items()}


def within_bounds(name: str, plane: np.ndarray) -> np.ndarray:
    """The plane as the variable can be: amounts not below zero, directions from 0 to 360 degrees."""
    if name == "MWD":
        return plane % 360
    return np.maximum(plane, 0) if name in NEVER_NEGATIVE else plane


def merged(model: ScienceModel, usual: dict, initial: dict) -> dict:
    """The climatology with what is known of the start put into it."""
    state = {name: planes.copy() for name, planes in usual.items()}
    for (level, name), plane in initial.items():
        row = 0 if level == SURFACE else model.levels.index(level)
        state[name][row] = np.where(np.isnan(plane), state[name][row], plane)
    return state
