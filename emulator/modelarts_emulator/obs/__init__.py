"""Object storage: OBS in front of moto's S3 models, for clients over HTTP and for behaviours in process."""
