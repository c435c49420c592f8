"""The inside of a model's process: requests, the package's service."""
