"""The short name under which packages import model_service.log."""

from model_service.log import getLogger

__all__ = ["getLogger"]
