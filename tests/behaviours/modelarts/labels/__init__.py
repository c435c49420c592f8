"""Tests of behaviours/modelarts/labels."""
