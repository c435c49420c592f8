"""The counters of a model, which packages update where they find them."""


class MetricsManager:
    """metrics: {"<model name>_<what is counted>": an object with update(milliseconds)}; packages look first."""

    metrics: dict = {}
