"""What areas are written with."""
