"""Tests of behaviours/modelarts/services."""
