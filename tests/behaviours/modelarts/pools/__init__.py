"""Tests of behaviours/modelarts/pools."""
