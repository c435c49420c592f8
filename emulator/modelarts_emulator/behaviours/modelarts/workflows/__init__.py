"""Workflows: steps in an order, their runs, when they run by themselves, and who is told."""
