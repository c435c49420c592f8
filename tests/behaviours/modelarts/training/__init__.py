"""Tests of behaviours/modelarts/training."""
