"""Tests of behaviours/modelarts/images."""
