"""Tests of behaviours/modelarts/datasets."""
