"""App authorization: apps with their codes and secrets, APIs of services, and which app opens which."""

from modelarts_emulator.behaviours.modelarts.services.services import SERVICES
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.identity.records import (
    APP_CODES,
    APP_KEYS,
    User,
    digest_of,
    new_app_key,
    remember_app_key,
    remember_key,
)

BINDINGS = "modelarts/app-auth/binding"
MOST_APPS = 5
HIDDEN = "******"


def shown_app(bound, app: dict) -> dict:
    """An app with the number of APIs it opens."""
    world = bound.world
    bindings = world.store.table(f"{BINDINGS}/{app['project_id']}")
    return app | {"bounded_api_count": len(bindings.having("app_id", app["app_id"]))}


APPS = Resource(
    "modelarts/app-auth/app",
    path_names=("app_id",),
    id_field="app_id",
    not_found="ModelArts.3923",
    present=shown_app,
)
APIS = Resource(
    "modelarts/app-auth/api", path_names=("api_id",), id_field="api_id", not_found="ModelArts.3935"
)


def refuse_unbound(world, project_id: str, service_id: str, app_id: str) -> None:
    """ApiError unless the app opens the API of the service."""
    ids = world.store.table(f"{APIS.name}/{project_id}").having("service_id", service_id)
    if not ids:
        raise ApiError("ModelArts.4901", f"service {service_id} has none", status=404)
    if f"{ids[0]}/{app_id}" not in world.store.table(f"{BINDINGS}/{project_id}"):
        raise ApiError("ModelArts.4902", f"it is not authorised for app {app_id}", status=400, fill=[app_id])


@behaviour("CreateApigApp")
def create_apig_app(call):
    """The app with its key and secret; it has no app code yet."""
    body, table = call.body, APPS.table(call)
    if table.having("app_name", body["app_name"]):
        raise ApiError("ModelArts.3929", fill=[f"the name {body['app_name']} is taken"])
    if len(table.having("user_id", call.caller.user_id)) >= MOST_APPS:
        raise ApiError("ModelArts.3929", fill=[f"a user has at most {MOST_APPS} applications"])
    now = call.world.clock.now_ms()
    app_key, app_secret = new_app_key(call.world)
    app = {
        "app_id": call.world.new_hex(32),
        "app_name": body["app_name"],
        "app_remark": body.get("app_remark", ""),
        "app_key": app_key,
        "app_secret": app_secret,
        "app_type": "APIG",
        "app_codes": [],
        "project_id": call.project_id,
        "user_id": call.caller.user_id,
        "created_at": now,
        "updated_at": now,
        "_workspace_id": body["workspace_id"],
    }
    remember_secret(call, app)
    remember_key(call.world, APP_CODES, app_key, user_of(call), call.project_id, owner=app["app_id"])
    return {"app": APPS.add(call, app)}


def user_of(call) -> User:
    """The user who calls."""
    return User(call.caller.user_id, call.caller.user_name)


def remember_secret(call, app: dict) -> None:
    """Let predictions be signed with the app's present secret."""
    remember_app_key(
        call.world, app["app_key"], app["app_secret"], user_of(call), call.project_id, app["app_id"]
    )


def own_app(call) -> dict:
    """The app the call names; ApiError when another user has made it."""
    app = APPS.find(call)
    if app["user_id"] != call.caller.user_id:
        raise ApiError("ModelArts.0108", "only the creator of an app may", fill=[call.operation.operation_id])
    return app


@behaviour("ListApigApps")
def list_apig_apps(call):
    """The caller's own apps, by name; secrets in full only when asked for."""
    query, table = call.query, APPS.table(call)
    apps = [table.find(id) for id in table.having("user_id", call.caller.user_id)]
    apps = [app for app in apps if app_fits(query, app) and app["_workspace_id"] == query["workspace_id"]]
    return paged(query, "apps", sorted_by(query, [shown_in_list(call, app) for app in apps]))


def app_fits(query: dict, app: dict) -> bool:
    """Whether an app has the name, in part, and one of the ids that are asked for."""
    if query.get("app_name", "") not in app["app_name"]:
        return False
    return not query.get("app_ids") or app["app_id"] in query["app_ids"]


def shown_in_list(call, app: dict) -> dict:
    """An app in a list."""
    app = APPS.of(call).shown(app)
    return app if call.query.get("iphertext_enabled") else app | {"app_secret": HIDDEN}


def sorted_by(query: dict, rows: list[dict]) -> list[dict]:
    """The rows in the order that is asked for, by name unless said otherwise."""
    column = query.get("sort_by", "app_name")
    column = column if rows and column in rows[0] else "app_name"
    return sorted(rows, key=lambda row: row[column], reverse=query["order"] == "desc")


def paged(query: dict, items: str, rows: list[dict]) -> dict:
    """The page of rows by offset, which counts pages, and limit."""
    limit = int(query.get("limit", 1000))
    start = int(query.get("offset", 0)) * limit
    page = rows[start : start + limit]
    return {items: page, "count": len(page), "total_count": len(rows)}


@behaviour("ShowApigApp")
def show_apig_app(call):
    """The app with its codes, key and secret."""
    return {"app": APPS.of(call).shown(APPS.find(call))}


@behaviour("ApigAppExists")
def apig_app_exists(call):
    """Whether an app has that name."""
    return {"exists": bool(APPS.table(call).having("app_name", call.path["app_name"]))}


@behaviour("DeleteApigApp")
def delete_apig_app(call):
    """The app goes with its codes, unless an API is bound to it."""
    app = own_app(call)
    if call.records(BINDINGS).having("app_id", app["app_id"]):
        raise ApiError("ModelArts.3933", fill=[app["app_id"], "APIs are still bound to it"])
    for code in [*app["app_codes"], app["app_key"]]:
        call.world.store.table(APP_CODES).drop(digest_of(code))
    call.world.store.table(APP_KEYS).drop(app["app_key"])
    APPS.table(call).drop(app["app_id"])


@behaviour("CreateApigAppCode")
def create_apig_app_code(call):
    """The app with one code more."""
    app = own_app(call)
    app["app_codes"].append(new_code(call, app))
    return changed(call, app)


def new_code(call, app: dict) -> str:
    """A code that opens what the app is authorised for."""
    code = call.world.new_hex(64)
    remember_key(call.world, APP_CODES, code, user_of(call), call.project_id, owner=app["app_id"])
    return code


def changed(call, app: dict) -> dict:
    """Store an app that has changed; the app as shown."""
    app["updated_at"] = call.world.clock.now_ms()
    return {"app": APPS.change(call, app)}


def drop_code(call, app: dict, error: str) -> int:
    """Where the code of the path stood; it opens nothing any more. ApiError when the app has no such code."""
    code = call.path["app_code"]
    if code not in app["app_codes"]:
        raise ApiError(error, fill=[app["app_id"], "it has no such application code"])
    call.world.store.table(APP_CODES).drop(digest_of(code))
    return app["app_codes"].index(code)


@behaviour("DeleteApigAppCode")
def delete_apig_app_code(call):
    """The app with the remaining codes."""
    app = own_app(call)
    del app["app_codes"][drop_code(call, app, "ModelArts.3934")]
    return changed(call, app)


@behaviour("ResetApigAppCode")
def reset_apig_app_code(call):
    """The app with a new code in the place of the one in the path."""
    app = own_app(call)
    app["app_codes"][drop_code(call, app, "ModelArts.3927")] = new_code(call, app)
    return changed(call, app)


@behaviour("ResetApigAppSecret")
def reset_apig_app_secret(call):
    """The app with a new secret; signatures of the old one are refused from now on."""
    app = own_app(call)
    app["app_secret"] = call.world.new_hex(32)
    remember_secret(call, app)
    return changed(call, app)


@behaviour("ShowApisBindToApp")
def show_apis_bind_to_app(call):
    """The APIs the app opens."""
    app, table, apis = APPS.find(call), call.records(BINDINGS), APIS.table(call)
    bound = [apis.find(table.find(id)["api_id"]) for id in table.having("app_id", app["app_id"])]
    wanted = call.query.get("service_name", "")
    bound = [APIS.of(call).shown(api) for api in bound if wanted in api["service_name"]]
    bound.sort(key=lambda api: api["service_name"], reverse=call.query["order"] == "desc")
    return paged(call.query, "apis", bound)


def api_of_service(call, service: dict) -> dict | None:
    """The API that is registered for the service; None while there is none."""
    ids = APIS.table(call).having("service_id", service["service_id"])
    return APIS.table(call).find(ids[0]) if ids else None


def register_api(call, service: dict) -> dict:
    """A new API for the service; ApiError when it has one or its kind takes none."""
    if service["infer_type"] != "real-time":
        raise ApiError("ModelArts.3921", fill=[f"service {service['service_id']} is no real-time service"])
    api = api_of_service(call, service)
    if api is not None:
        raise ApiError("ModelArts.3921", fill=[f"the service has API {api['api_id']}; authorise that"])
    api = {
        "api_id": call.world.new_hex(32),
        "api_name": f"infer_{service['service_id'].replace('-', '')}",
        "api_method": "ANY",
        "api_remark": "",
        "auth_type": "APP",
        "predict_url": service["access_address"],
        "service_id": service["service_id"],
        "service_name": service["service_name"],
        "support_app_code": True,
    }
    APIS.add(call, api)
    return api


def api_called(call) -> dict:
    """The API the path names; ApiError when it is unknown or of another service."""
    service, api = SERVICES.find(call), APIS.find(call)
    if api["service_id"] != service["service_id"]:
        raise ApiError("ModelArts.3936", fill=[api["api_id"], service["service_id"]])
    return api


def authorise(call, api: dict) -> list[dict]:
    """Let the apps of the body open the API; how each fared."""
    return [authorised(call, api, each["app_id"]) for each in call.body["apps"]]


def authorised(call, api: dict, app_id: str) -> dict:
    """Let one app open the API; how it fared."""
    result = {"api_id": api["api_id"], "app_id": app_id}
    if app_id not in APPS.table(call):
        return result | {"auth_id": "", "success": False, "reason": f"application {app_id} does not exist"}
    table, id = call.records(BINDINGS), f"{api['api_id']}/{app_id}"
    binding = table.find(id)
    if binding is None:
        binding = result | {"auth_id": call.world.new_hex(32), "service_id": api["service_id"]}
        table.put(id, binding)
    return result | {"auth_id": binding["auth_id"], "success": True, "reason": ""}


@behaviour("CreateAndAuthAppAuthApi")
def create_and_auth_app_auth_api(call):
    """The new API of the service and how the authorisation of each app fared."""
    api = register_api(call, SERVICES.find(call))
    return {"api": api, "auth_result": authorise(call, api)}


@behaviour("CreateAppAuthApi")
def create_app_auth_api(call):
    """The new API of the service; no app opens it yet."""
    return {"api": register_api(call, SERVICES.find(call))}


@behaviour("GetAppAuthApisInfo")
def get_app_auth_apis_info(call):
    """The APIs of the service: one or none."""
    api = api_of_service(call, SERVICES.find(call))
    return paged({}, "apis", [] if api is None else [api])


@behaviour("GetAppAuthApiInfo")
def get_app_auth_api_info(call):
    """The API."""
    return {"api": api_called(call)}


@behaviour("DeleteAppAuthApi")
def delete_app_auth_api(call):
    """The API goes; no app opens the service any more."""
    api, table = api_called(call), call.records(BINDINGS)
    for id in table.having("api_id", api["api_id"]):
        table.drop(id)
    APIS.table(call).drop(api["api_id"])


@behaviour("GetServiceAppAuthApiAuthInfo")
def get_service_app_auth_api_auth_info(call):
    """Whether apps can open the service, and which do."""
    api = api_of_service(call, SERVICES.find(call))
    if api is None:
        return {"enable_app_auth": False}
    return {
        "enable_app_auth": True,
        "app_auth_api": {"api_id": api["api_id"], "authed_apps": authorised_apps(call, api)},
    }


def authorised_apps(call, api: dict) -> list[dict]:
    """The apps that open an API, as lists show them."""
    table = call.records(BINDINGS)
    ids = [table.find(id)["app_id"] for id in table.having("api_id", api["api_id"])]
    return [shown_in_list(call, APPS.table(call).find(id)) for id in ids]


@behaviour("ShowApiAuthInfos")
def show_api_auth_infos(call):
    """The apps that open the API and fit the filters."""
    apps = [app for app in authorised_apps(call, api_called(call)) if app_fits(call.query, app)]
    return paged(call.query, "auths", sorted_by(call.query, apps))


@behaviour("AuthorizeApiToApigApps")
def authorize_api_to_apig_apps(call):
    """How the authorisation of each app fared; those authorised already stay so."""
    return {"auth_result": authorise(call, api_called(call))}


@behaviour("UpdateAuthApiToApigApps")
def update_auth_api_to_apig_apps(call):
    """How each app fared; those not named open the API no more."""
    api, table = api_called(call), call.records(BINDINGS)
    wanted = {each["app_id"] for each in call.body["apps"]}
    for id in table.having("api_id", api["api_id"]):
        if table.find(id)["app_id"] not in wanted:
            table.drop(id)
    return {"auth_result": authorise(call, api)}


@behaviour("DeleteApiAppAuth")
def delete_api_app_auth(call):
    """How each app fared; those that had been authorised open the API no more."""
    api, table, results = api_called(call), call.records(BINDINGS), []
    for each in call.body["apps"]:
        result = {"api_id": api["api_id"], "app_id": each["app_id"], "auth_id": "", "success": False}
        binding = table.find(f"{api['api_id']}/{each['app_id']}")
        if binding is None:
            results.append(result | {"reason": f"application {each['app_id']} is not authorised"})
            continue
        table.drop(f"{api['api_id']}/{each['app_id']}")
        results.append(result | {"auth_id": binding["auth_id"], "success": True, "reason": ""})
    return {"unauth_result": results}
