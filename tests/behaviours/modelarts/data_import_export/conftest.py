"""What the stories of import and export share: tasks that are begun and carried out."""

from tests.behaviours.modelarts.datasets.conftest import DATASETS


def imported(cloud, id: str, path: str, **more) -> dict:
    """The import task of a path when it has ended."""
    reply = cloud.post(f"{DATASETS}/{id}/import-tasks", {"import_path": path, **more})
    assert reply.status == 200, reply
    cloud.clock.advance("5m")
    return cloud.get(f"{DATASETS}/{id}/import-tasks/{reply.json['task_id']}").json


def exported(cloud, id: str, path: str = "/data/out/", **more) -> dict:
    """The export task when it has ended."""
    reply = cloud.post(f"{DATASETS}/{id}/export-tasks", {"path": path, **more})
    assert reply.status == 200, reply
    cloud.clock.advance("5m")
    return cloud.get(f"{DATASETS}/{id}/export-tasks/{reply.json['task_id']}").json


def synchronized(cloud, id: str) -> dict:
    """The state of a synchronization that has ended."""
    reply = cloud.post(f"{DATASETS}/{id}/sync-data")
    assert reply.status == 200 and reply.body == b"", reply
    cloud.clock.advance("5m")
    return cloud.get(f"{DATASETS}/{id}/sync-data/status").json


def published(cloud, id: str, **body) -> str:
    """The path of the manifest of a version that is published."""
    reply = cloud.post(f"{DATASETS}/{id}/versions", body)
    assert reply.status == 201, reply
    cloud.clock.advance("5m")
    return cloud.get(f"{DATASETS}/{id}/versions/{reply.json['version_id']}").json["manifest_path"]
