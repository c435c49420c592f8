"""Versions of a deployment: listed, shown, deleted, switched to."""

from modelarts_emulator.behaviours.modelarts.inference_v2.deployments import (
    answer_with,
    find_deployment,
    take_version,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.life import VERSIONS, set_version
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import refuse, refuse_state
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour


def find_version(call, deployment: dict, name: str) -> dict:
    """The version with that number or id."""
    for version in VERSIONS.of(call).having("deployment_id", deployment["id"]):
        if name in (version["version"], version["id"]):
            return version
    raise ApiError("ModelArts.0015", f"deployment {deployment['id']} has no version {name}")


@behaviour("ListInferDeploymentVersions")
def list_infer_deployment_versions(call):
    """A page of the versions, newest first; their moments are digits in a text."""
    deployment, versions = find_deployment(call), VERSIONS.of(call)

    def row_of(version: dict) -> dict:
        row = {"infer_name": deployment["id"], "version": version["version"]}
        row |= {
            name: version["config"][name]
            for name in ("deploy_type", "description")
            if name in version["config"]
        }
        row |= {name: str(version[name]) for name in ("create_at", "update_at")}
        is_active = version["id"] == deployment["version_id"]
        return row | {"version_status": "ACTIVE" if is_active else "PUBLISHED"}

    return list_records(call, versions, versions.table.having("deployment_id", deployment["id"]), row=row_of)


@behaviour("ShowInferDeploymentVersion")
def show_infer_deployment_version(call):
    """A version as the deployment would be with it."""
    deployment = find_deployment(call)
    version = find_version(call, deployment, call.path["version"])
    set_version(deployment, version)
    moments = {name: version[name] for name in ("create_at", "update_at")}
    return answer_with(call, deployment | moments)


@behaviour("DeleteInferDeploymentVersion")
def delete_infer_deployment_version(call):
    """Forget a version that is neither active nor on its way to be."""
    deployment = find_deployment(call)
    version = find_version(call, deployment, call.path["version"])
    if version["id"] in (deployment["version_id"], deployment.get("_upgrade", {}).get("version_id")):
        refuse(f"version {version['version']} is in use; switch to another one first")
    VERSIONS.let_go(call, version)
    return {"id": version["id"]}


@behaviour("SwitchInferDeploymentVersion")
def switch_infer_deployment_version(call):
    """Upgrade a running deployment to a version it has had."""
    deployment = find_deployment(call)
    refuse_state("deployment", deployment, "a switch", "RUNNING")
    service_id = call.body.get("service_id", deployment["service_id"])
    if call.body["infer_name"] != deployment["id"] or service_id != deployment["service_id"]:
        refuse(f"infer_name and service_id name {deployment['id']} of {deployment['service_id']}, or nothing")
    wanted = call.body.get("target_deployment_version", call.path["version"])
    version = find_version(call, deployment, wanted)
    if version["id"] == deployment["version_id"]:
        refuse(f"version {version['version']} is the active one already")
    take_version(call, deployment, version)
    return {"id": version["id"]}
