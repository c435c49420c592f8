"""Notebook instances of the older development environment (demanager)."""
