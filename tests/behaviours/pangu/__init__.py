"""Tests of behaviours/pangu."""
