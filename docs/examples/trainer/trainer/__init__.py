"""Training on ModelArts: start a job, wait for it, and come again when the service is busy."""

from trainer.jobs import JobFailed, start_job, wait_for_job

__all__ = ["JobFailed", "start_job", "wait_for_job"]
