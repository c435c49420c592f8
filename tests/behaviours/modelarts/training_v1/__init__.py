"""Tests of behaviours/modelarts/training-v1."""
