"""Tests of behaviours/modelarts."""
