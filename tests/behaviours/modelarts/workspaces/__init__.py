"""Tests of behaviours/modelarts/workspaces."""
