"""Tests of behaviours/maas."""
