"""How Terraform's provider keeps the tags of training jobs: what has changed is taken away, then added."""

from tests.behaviours.modelarts.tags.conftest import job, job_path


def apply(cloud, path: str, before: dict, after: dict) -> None:
    """Change tags as the provider does: exactly 204."""
    gone = [{"key": key, "value": before[key]} for key in before if before[key] != after.get(key)]
    new = [{"key": key, "value": after[key]} for key in after if after[key] != before.get(key)]
    for reply in (
        cloud.delete(f"{path}/delete", {"tags": gone}),
        cloud.post(f"{path}/create", {"tags": new}),
    ):
        assert reply.status == 204, reply


def test_tags_of_a_job_are_readable_at_once_and_are_those_configured(cloud):
    path, before = job_path(job(cloud)), {}
    for after in ({"team": "a", "tier": "1"}, {"team": "b"}, {}):
        apply(cloud, path, before, after)
        assert {tag["key"]: tag["value"] for tag in cloud.get(path).json["tags"]} == after
        before = after
