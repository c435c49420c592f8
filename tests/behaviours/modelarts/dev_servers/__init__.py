"""Tests of behaviours/modelarts/dev_servers."""
