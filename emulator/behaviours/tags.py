"""Tags of resources: each kind's lie beside it, in the modules imported here."""

from emulator.behaviours import inference_v2_tags

__all__ = ["inference_v2_tags"]
