"""A coarse grid on the globe: its coordinates, values between its points, and where the wind came from."""

from dataclasses import dataclass

import numpy as np

EARTH_RADIUS = 6_371_000.0
SPACING = 7.5
STEEPEST = np.cos(np.radians(80.0))


@dataclass(frozen=True, eq=False)
class Grid:
    """Latitudes from north to south, longitudes from west to east, in degrees; `wraps` around the globe or ends."""

    latitudes: np.ndarray
    longitudes: np.ndarray
    wraps: bool

    @classmethod
    def of(cls, region: tuple) -> "Grid":
        """The grid of a region (south, north, west, east): 7.5 degrees on the globe, 16 by 17 points elsewhere."""
        south, north, west, east = region
        wraps = east - west >= 360
        if wraps:
            return cls(np.arange(north, south - 0.1, -SPACING), np.arange(west, east - 0.1, SPACING), True)
        return cls(np.linspace(north, south, 16), np.linspace(west, east, 17), False)

    @property
    def mesh(self) -> tuple:
        """(latitude, longitude) of each point, both as planes."""
        return tuple(np.meshgrid(self.latitudes, self.longitudes, indexing="ij"))

    def at(self, fields: np.ndarray, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
        """The values of fields (..., latitude, longitude) at places between the points; the edge goes on outside."""
        rows, columns = len(self.latitudes), len(self.longitudes)
        y = (latitude - self.latitudes[0]) / (self.latitudes[1] - self.latitudes[0])
        x = (longitude - self.longitudes[0]) / (self.longitudes[1] - self.longitudes[0])
        y = np.clip(y, 0, rows - 1)
        x = np.mod(x, columns) if self.wraps else np.clip(x, 0, columns - 1)
        top = np.minimum(y.astype(int), rows - 2)
        left = np.minimum(x.astype(int), columns - 1)
        right = (left + 1) % columns if self.wraps else np.minimum(left + 1, columns - 1)
        down, over = y - top, x - left
        flat = fields.reshape(*fields.shape[:-2], rows * columns)
        corner = top * columns
        above = flat.take(corner + left, -1) * (1 - over) + flat.take(corner + right, -1) * over
        corner = corner + columns
        below = flat.take(corner + left, -1) * (1 - over) + flat.take(corner + right, -1) * over
        return above * (1 - down) + below * down

    def upstream(self, wind: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, hours: float) -> tuple:
        """Where the air at these places was that many hours ago; wind: eastward and northward, (2, lat, lon)."""
        east, north = self.at(wind, latitude, longitude)
        degrees = np.degrees(hours * 3600.0 / EARTH_RADIUS)
        slope = np.maximum(np.cos(np.radians(latitude)), STEEPEST)
        return np.clip(latitude - north * degrees, -90, 90), longitude - east * degrees / slope


def area_mean(plane: np.ndarray, latitudes: np.ndarray) -> float:
    """The mean of a plane by area."""
    weights = np.cos(np.radians(latitudes))[:, None] * np.ones_like(plane)
    return float((plane * weights).sum() / weights.sum())
