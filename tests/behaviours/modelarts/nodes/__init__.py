"""Tests of behaviours/modelarts/nodes."""
