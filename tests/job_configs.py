"""A job configuration: the plainest thing that can be created, listed and deleted, for tests of the frame."""

CONFIGS = "/v1/{project_id}/training-job-configs"
CONFIG = {
    "app_url": "/usr/app/",
    "boot_file_url": "/usr/app/boot.py",
    "data_url": "/usr/data/",
    "engine_id": 4,
    "spec_id": 2,
    "worker_server_num": 1,
}
