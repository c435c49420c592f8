"""Tests of behaviours/modelarts/inference-v2."""
