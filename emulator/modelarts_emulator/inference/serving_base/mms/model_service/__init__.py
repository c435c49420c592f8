"""The name under which MXNet packages import their base class."""
