"""Tests of behaviours/iam."""
