"""Tests of behaviours/modelarts/auto_labeling."""
