"""Disturbances of an initial state: Perlin noise, and of several the one that is going to grow most (CNOP)."""

import numpy as np

from modelarts_emulator.inference.science.grid import Grid

MOST_CELLS = 24


def perlin(grid: Grid, source: np.random.Generator, octaves: int, x: float, y: float) -> np.ndarray:
    """Smooth noise of deviation one: x, y say how often it changes along longitude and latitude, octaves how finely."""
    rows, columns = len(grid.latitudes), len(grid.longitudes)
    total = np.zeros((rows, columns))
    for octave in range(octaves):
        across = max(1, min(MOST_CELLS, round(16 * x * 2**octave)))
        along = max(1, min(MOST_CELLS // 2, round(8 * y * 2**octave)))
        total += 0.5**octave * lattice_noise(rows, columns, along, across, source)
    return total / (total.std() or 1.0)


def lattice_noise(rows: int, columns: int, along: int, across: int, source) -> np.ndarray:
    """One octave: slopes drawn at the corners of a lattice, blended between them; it closes around the globe."""
    angles = source.uniform(0, 2 * np.pi, (along + 1, across))
    slopes = np.stack([np.sin(angles), np.cos(angles)])
    y = (np.arange(rows) + 0.5) / rows * along
    x = (np.arange(columns) + 0.5) / columns * across
    top, left = y.astype(int)[:, None], x.astype(int)[None, :]
    down, over = y[:, None] - top, x[None, :] - left
    value = 0.0
    for row in (0, 1):
        for column in (0, 1):
            slope = slopes[:, top + row, (left + column) % across]
            slant = slope[0] * (down - row) + slope[1] * (over - column)
            value = value + slant * abs(1 - row - fade(down)) * abs(1 - column - fade(over))
    return value


def fade(t):
    """From 0 to 1 without a kink at either end."""
    return t**3 * (t * (6 * t - 15) + 10)


def cnop(grid: Grid, source: np.random.Generator, quantity: int, growth: np.ndarray) -> np.ndarray:
    """Of so many disturbances of the same size the one that grows most where growth is fast, shaped by that growth."""
    candidates = [perlin(grid, source, 2, 0.5, 0.5) for _ in range(quantity)]
    best = max(candidates, key=lambda plane: float((np.abs(plane) * growth).sum()))
    shaped = best * growth
    return shaped / (shaped.std() or 1.0)


def instability(grid: Grid, temperature: np.ndarray) -> np.ndarray:
    """Where disturbances of the air grow: by how steeply temperature falls towards the pole, 1 on average."""
    steep = np.abs(np.gradient(temperature, grid.latitudes, axis=0)) + 0.1
    return steep / steep.mean()
