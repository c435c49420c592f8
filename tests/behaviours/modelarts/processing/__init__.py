"""Tests of behaviours/modelarts/processing."""
