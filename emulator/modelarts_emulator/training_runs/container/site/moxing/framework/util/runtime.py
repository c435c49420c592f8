"""Logging."""

import logging


def reset_logger(level=logging.INFO) -> None:
    """Let the root logger say what is of that level or above."""
    logging.root.setLevel(level)
