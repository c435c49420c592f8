"""Tests of behaviours/modelarts/data_import_export."""
