"""Counters that the serving image hands to packages."""
