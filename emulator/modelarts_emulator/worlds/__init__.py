"""State and time: worlds, their records, their clocks."""
