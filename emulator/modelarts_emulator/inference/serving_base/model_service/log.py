"""Loggers of a model package; what they write becomes the service's log."""

import logging
import sys

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def getLogger(name=None):
    """A logger that writes to standard output from INFO on."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format=FORMAT)
    return logging.getLogger(name)
