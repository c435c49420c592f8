"""What the budgets of the emulator are measured with; `python -m benchmarks` prints a table in Markdown."""
