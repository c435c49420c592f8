"""Tests of behaviours/modelarts/samples."""
