"""Tests of behaviours/modelarts/dataset_versions."""
