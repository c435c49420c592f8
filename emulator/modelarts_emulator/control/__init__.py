"""The control API below /_emulator."""
