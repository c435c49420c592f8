"""Notebook instances and what belongs to them."""
