"""Tags of what the platform runs: pools, nodes, notebooks, services, training jobs."""
