"""Tests of behaviours/modelarts/workforces."""
