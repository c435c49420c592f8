"""Tests of behaviours/modelarts/tags."""
