"""Services of the newer inference API: what they are made of lies in the modules imported here, by noun."""

from emulator.behaviours import (
    inference_v2_api_keys,
    inference_v2_clusters,
    inference_v2_deployments,
    inference_v2_events,
    inference_v2_hpa,
    inference_v2_hra,
    inference_v2_instances,
    inference_v2_intranet,
    inference_v2_services,
    inference_v2_updates,
    inference_v2_versions,
)

__all__ = [
    "inference_v2_api_keys",
    "inference_v2_clusters",
    "inference_v2_deployments",
    "inference_v2_events",
    "inference_v2_hpa",
    "inference_v2_hra",
    "inference_v2_instances",
    "inference_v2_intranet",
    "inference_v2_services",
    "inference_v2_updates",
    "inference_v2_versions",
]
