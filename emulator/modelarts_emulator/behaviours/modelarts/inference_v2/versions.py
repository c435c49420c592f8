"""Versions of a deployment: listed, shown, deleted, switched to."""

from modelarts_emulator.behaviours.modelarts.inference_v2.deployments import (
    deployment_in,
    shown_deployment,
    take_version,
)
from modelarts_emulator.behaviours.modelarts.inference_v2.pages import arranged, page_of
from modelarts_emulator.behaviours.modelarts.inference_v2.records import VERSIONS
from modelarts_emulator.behaviours.modelarts.inference_v2.refusals import refuse, refuse_state
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour


def versions_of(call, deployment: dict) -> list[dict]:
    """The versions of a deployment, oldest first."""
    table = call.records(VERSIONS.name)
    return [table.find(id) for id in table.having("deployment_id", deployment["id"])]


def version_called(call, deployment: dict, name: str) -> dict:
    """The version with that number or id."""
    for version in versions_of(call, deployment):
        if name in (version["version"], version["id"]):
            return version
    raise ApiError("ModelArts.0015", f"deployment {deployment['id']} has no version {name}")


@behaviour("ListInferDeploymentVersions")
def list_infer_deployment_versions(call):
    """A page of the versions, newest first."""
    deployment = deployment_in(call)
    rows = arranged(call, versions_of(call, deployment))
    return page_of(call, rows, lambda version: listed(deployment, version))


def listed(deployment: dict, version: dict) -> dict:
    """A version as the list shows it; its moments are digits in a text."""
    config = version["config"]
    row = {"infer_name": deployment["id"], "version": version["version"]}
    row |= {name: config[name] for name in ("deploy_type", "description") if name in config}
    active = version["id"] == deployment["version_id"]
    row["version_status"] = "ACTIVE" if active else "PUBLISHED"
    return row | {"create_at": str(version["create_at"]), "update_at": str(version["update_at"])}


@behaviour("ShowInferDeploymentVersion")
def show_infer_deployment_version(call):
    """A version as the deployment would be with it."""
    deployment = deployment_in(call)
    version = version_called(call, deployment, call.path["version"])
    moments = {name: version[name] for name in ("create_at", "update_at", "version")}
    then = {**deployment, **moments, "version_id": version["id"]}
    return shown_deployment(call, then, version["config"])


@behaviour("DeleteInferDeploymentVersion")
def delete_infer_deployment_version(call):
    """Forget a version that is neither active nor on its way to be."""
    deployment = deployment_in(call)
    version = version_called(call, deployment, call.path["version"])
    in_use = (deployment["version_id"], deployment.get("_upgrade", {}).get("version_id"))
    if version["id"] in in_use:
        refuse(f"version {version['version']} is in use; switch to another one first")
    call.records(VERSIONS.name).drop(version["id"])
    return {"id": version["id"]}


@behaviour("SwitchInferDeploymentVersion")
def switch_infer_deployment_version(call):
    """Upgrade a running deployment to a version it has had."""
    deployment = deployment_in(call)
    refuse_state("deployment", deployment, "a switch", "RUNNING")
    service_id = call.body.get("service_id", deployment["service_id"])
    if call.body["infer_name"] != deployment["id"] or service_id != deployment["service_id"]:
        refuse(f"infer_name and service_id name {deployment['id']} of {deployment['service_id']}, or nothing")
    wanted = call.body.get("target_deployment_version", call.path["version"])
    version = version_called(call, deployment, wanted)
    if version["id"] == deployment["version_id"]:
        refuse(f"version {version['version']} is the active one already")
    take_version(call, deployment, version, deployment["_config"])
    return {"id": version["id"]}
