"""Stories about notebooks."""
