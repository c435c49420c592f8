"""Tests of behaviours/modelarts/devenv_v1."""
