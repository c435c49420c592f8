"""The base class of MindSpore packages."""

from model_service.serving import DeepLearningService


class SingleNodeService(DeepLearningService):
    """A package loads its own network and overrides _inference; there is no built-in inference."""
