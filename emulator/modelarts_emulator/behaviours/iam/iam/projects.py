"""The account and its projects, one for every region."""

from modelarts_emulator.behaviours.iam.iam.catalog import links_to
from modelarts_emulator.behaviours.iam.iam.refusals import (
    own_domain,
    refuse_foreign_domain,
    refuse_half_a_page,
    refuse_missing,
)
from modelarts_emulator.behaviours.iam.iam.users import find_user
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.identity.records import PROJECTS


@behaviour("KeystoneListAuthDomains")
def keystone_list_auth_domains(call):
    """The one account the caller belongs to."""
    link = {"self": f"{call.base_url}/v3/auth/domains"}
    return {
        "domains": [own_domain(call) | {"description": "", "enabled": True, "links": link}],
        "links": link,
    }


@behaviour("KeystoneListProjects")
def keystone_list_projects(call):
    """The account's projects, one for every region, the world's own region first."""
    refuse_foreign_domain(call, call.query.get("domain_id"))
    refuse_half_a_page(call)
    return list_rows(call, projects_of(call)) | {"links": links_to(call, "/v3/projects")}


@behaviour("KeystoneListAuthProjects")
def keystone_list_auth_projects(call):
    """The projects the caller can use: all of the account."""
    return {"projects": projects_of(call), "links": {"self": f"{call.base_url}/v3/auth/projects"}}


@behaviour("KeystoneListProjectsForUser")
def keystone_list_projects_for_user(call):
    """The projects a user can use: all of the account."""
    user = find_user(call, call.path["user_id"])
    return {"projects": projects_of(call), "links": links_to(call, f"/v3/users/{user['id']}/projects")}


@behaviour("KeystoneShowProject")
def keystone_show_project(call):
    """The project."""
    id = call.path["project_id"]
    project = call.world.store.table(PROJECTS).find(id) or refuse_missing("project", id)
    return {"project": shown_project(call, project)}


def projects_of(call) -> list[dict]:
    """All projects of the account as the API shows them."""
    return [shown_project(call, project) for project in call.world.store.table(PROJECTS)]


def shown_project(call, project: dict) -> dict:
    """A project as the API shows it."""
    account_id = call.caller.account_id
    return {
        "id": project["id"],
        "name": project["name"],
        "description": "",
        "domain_id": account_id,
        "parent_id": account_id,
        "enabled": True,
        "is_domain": False,
        "links": links_to(call, f"/v3/projects/{project['id']}"),
    }


def find_project_of_scope(call, scope: dict) -> dict | None:
    """The project a scope names by id or name, None for the account's. 404 for a project, 403 for an account
    not own.
    """
    if not scope.get("project"):
        domain = scope.get("domain") or {}
        refuse_foreign_domain(call, domain.get("id"), domain.get("name"))
        return None
    asked, projects = scope["project"], call.world.store.table(PROJECTS)
    found = [asked["id"]] if "id" in asked else projects.having("name", asked.get("name"))
    project = projects.find(found[0]) if found else None
    if project is None:
        refuse_missing("project", asked.get("id") or asked.get("name"))
    return {"id": project["id"], "name": project["name"]}
