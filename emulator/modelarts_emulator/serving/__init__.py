"""Models that answer predictions."""
