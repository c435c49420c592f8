"""Tags of what the platform runs, for its own tag service."""
