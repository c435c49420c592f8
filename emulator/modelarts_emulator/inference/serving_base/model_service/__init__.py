"""What a customize_service.py imports: one base class for each engine, and log."""
