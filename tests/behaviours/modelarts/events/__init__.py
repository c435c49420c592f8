"""Tests of behaviours/modelarts/events."""
