"""The inside of a model's process: confinement, requests, the package's service."""
