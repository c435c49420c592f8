"""App authorization: apps with their codes and secrets, APIs of services, and which app opens which."""

from modelarts_emulator.behaviours.modelarts.services.life import SERVICES
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.bound import workspace_named
from modelarts_emulator.frame.listing import list_records, list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource
from modelarts_emulator.identity.records import (
    APP_CODES,
    APP_KEYS,
    digest_of,
    new_app_key,
    remember_app_key,
    remember_key,
)

MOST_APPS = 5
HIDDEN = "******"

APPS = Resource(
    "modelarts/app-auth/app",
    path_names=("app_id",),
    id_field="app_id",
    not_found="ModelArts.3923",
    new_id=lambda world: world.new_hex(32),
    writes=("app_name", "app_remark"),
    refers={"workspace": "_workspace_id"},
).serves(create="CreateApigApp", show="ShowApigApp", delete="DeleteApigApp")
APIS = Resource(
    "modelarts/app-auth/api",
    path_names=("api_id",),
    id_field="api_id",
    not_found="ModelArts.3935",
    belongs_to=BelongsTo(SERVICES, "service_id"),
).serves(list="GetAppAuthApisInfo")
BINDINGS = Resource(
    "modelarts/app-auth/binding",
    id_field=lambda binding: f"{binding['api_id']}/{binding['app_id']}",
    not_found="ModelArts.4902",
    belongs_to=BelongsTo(APIS, "api_id"),
)


@APPS.showing
def present_app(bound, app: dict) -> dict:
    """An app with the number of APIs it opens."""
    return app | {"bounded_api_count": len(bound.beside(BINDINGS).table.having("app_id", app["app_id"]))}


@APIS.showing
def present_api(bound, api: dict) -> dict:
    """An API with the address of its service."""
    return api | {"predict_url": f"{bound.base_url}/v1/infers/{api['service_id']}"}


def refuse_unbound(bound, service_id: str, app_id: str) -> None:
    """ApiError unless the app opens the API of the service."""
    ids = bound.beside(APIS).table.having("service_id", service_id)
    if not ids:
        raise ApiError("ModelArts.4901", f"service {service_id} has no app-auth API", status=404)
    if f"{ids[0]}/{app_id}" not in bound.beside(BINDINGS).table:
        words = f"the API of service {service_id} is not authorised for it"
        raise ApiError("ModelArts.4902", words, status=400, fill=[app_id])


@APPS.creating
def give_keys(call, app: dict) -> None:
    """A new app has a key and a secret, and no app code yet."""
    apps, now = APPS.table(call), call.world.clock.now_ms()
    if apps.having("app_name", app["app_name"]):
        raise ApiError("ModelArts.3929", fill=[f"the name {app['app_name']} is taken"])
    if len(apps.having("user_id", call.caller.user_id)) >= MOST_APPS:
        raise ApiError("ModelArts.3929", fill=[f"a user has at most {MOST_APPS} applications"])
    app.setdefault("app_remark", "")
    app["app_key"], app["app_secret"] = new_app_key(call.world)
    app |= {
        "app_type": "APIG",
        "app_codes": [],
        "project_id": call.project_id,
        "user_id": call.caller.user_id,
    }
    app |= {"created_at": now, "updated_at": now, "_workspace_id": call.body["workspace_id"]}
    remember_secret(call, app)
    remember_key(
        call.world, APP_CODES, app["app_key"], call.caller.user, call.project_id, owner=app["app_id"]
    )


def remember_secret(call, app: dict) -> None:
    """Let predictions be signed with the app's present secret."""
    key, secret = app["app_key"], app["app_secret"]
    remember_app_key(call.world, key, secret, call.caller.user, call.project_id, app["app_id"])


def refuse_stranger(call, app: dict) -> None:
    """ApiError when another user has made the app."""
    if app["user_id"] != call.caller.user_id:
        raise ApiError("ModelArts.0108", "only the creator of an app may", fill=[call.operation.operation_id])


def find_own_app(call) -> dict:
    """The app the call names; ApiError when another user has made it."""
    app = APPS.find(call)
    refuse_stranger(call, app)
    return app


@behaviour("ListApigApps")
def list_apig_apps(call):
    """The caller's own apps, by name; secrets in full only when asked for."""
    return list_records(
        call,
        APPS.of(call),
        APPS.table(call).having("user_id", call.caller.user_id),
        lambda app: app["_workspace_id"] == call.query["workspace_id"],
        lambda app: row_of(call, app),
    )


def row_of(call, app: dict) -> dict:
    """An app in a list, its secret hidden unless those of all apps, or its own, are asked for."""
    row, plain = APPS.of(call).shown(app), call.query.get("app_ids") or [app["app_id"]]
    is_plain = call.query.get("iphertext_enabled") and app["app_id"] in plain
    return row if is_plain else row | {"app_secret": HIDDEN}


@behaviour("ApigAppExists")
def apig_app_exists(call):
    """Whether an app has that name, in any workspace unless one is named."""
    found, named = APPS.of(call).having("app_name", call.path["app_name"]), workspace_named(call)
    return {"exists": any(named in (None, app["_workspace_id"]) for app in found)}


@APPS.deleting
def forget_keys(call, app: dict) -> None:
    """Only an app that no API is bound to is deleted, by its creator; its codes and its key open nothing more."""
    refuse_stranger(call, app)
    if BINDINGS.table(call).having("app_id", app["app_id"]):
        raise ApiError("ModelArts.3933", fill=[app["app_id"], "APIs are still bound to it"])
    for code in [*app["app_codes"], app["app_key"]]:
        call.world.store.table(APP_CODES).drop(digest_of(code))
    call.world.store.table(APP_KEYS).drop(app["app_key"])


@behaviour("CreateApigAppCode")
def create_apig_app_code(call):
    """The app with one code more."""
    app = find_own_app(call)
    app["app_codes"].append(add_code(call, app))
    return keep_app(call, app)


def add_code(call, app: dict) -> str:
    """A new code that opens what the app is authorised for."""
    code = call.world.new_hex(64)
    remember_key(call.world, APP_CODES, code, call.caller.user, call.project_id, owner=app["app_id"])
    return code


def keep_app(call, app: dict) -> dict:
    """Store an app that has changed; the answer that shows it."""
    app["updated_at"] = call.world.clock.now_ms()
    return APPS.answer(call, APPS.change(call, app))


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
    app = find_own_app(call)
    del app["app_codes"][drop_code(call, app, "ModelArts.3934")]
    return keep_app(call, app)


@behaviour("ResetApigAppCode")
def reset_apig_app_code(call):
    """The app with a new code in the place of the one in the path."""
    app = find_own_app(call)
    app["app_codes"][drop_code(call, app, "ModelArts.3927")] = add_code(call, app)
    return keep_app(call, app)


@behaviour("ResetApigAppSecret")
def reset_apig_app_secret(call):
    """The app with a new secret; signatures of the old one are refused from now on."""
    app = find_own_app(call)
    app["app_secret"] = call.world.new_hex(32)
    remember_secret(call, app)
    return keep_app(call, app)


@behaviour("ShowApisBindToApp")
def show_apis_bind_to_app(call):
    """The APIs the app opens."""
    bindings = BINDINGS.of(call).having("app_id", APPS.find(call)["app_id"])
    return list_records(call, APIS.of(call), [binding["api_id"] for binding in bindings])


def api_of_service(call, service: dict) -> dict | None:
    """The API that is registered for the service; None while there is none."""
    return next(iter(APIS.of(call).having("service_id", service["service_id"])), None)


def register_api(call) -> dict:
    """A new API for the service of the path; ApiError when it has one or its kind takes none."""
    service = SERVICES.find(call)
    id, api = service["service_id"], api_of_service(call, service)
    if service["infer_type"] != "real-time":
        raise ApiError("ModelArts.3921", fill=[f"service {id} is {service['infer_type']}, not real-time"])
    if api is not None:
        raise ApiError("ModelArts.3921", fill=[f"the service has API {api['api_id']}; authorise that"])
    api = {"api_id": call.world.new_hex(32), "api_name": f"infer_{id.replace('-', '')}", "api_method": "ANY"}
    api |= {"api_remark": "", "auth_type": "APP", "support_app_code": True}
    return APIS.add(call, api | {"service_id": id, "service_name": service["service_name"]})


def find_api(call) -> dict:
    """The API the path names; ApiError when it is unknown or of another service."""
    service, api = SERVICES.find(call), APIS.of(call).find(call.path["api_id"])
    if api["service_id"] != service["service_id"]:
        raise ApiError("ModelArts.3936", fill=[api["api_id"], service["service_id"]])
    return api


def authorise_apps(call, api: dict) -> list[dict]:
    """Let the apps of the body open the API; how each fared."""
    return [authorise_app(call, api, each["app_id"]) for each in call.body["apps"]]


def authorise_app(call, api: dict, app_id: str) -> dict:
    """Let one app open the API; how it fared."""
    bindings, result = BINDINGS.of(call), {"api_id": api["api_id"], "app_id": app_id}
    if app_id not in APPS.table(call):
        return result | {"auth_id": "", "success": False, "reason": f"application {app_id} does not exist"}
    binding = bindings.get(f"{api['api_id']}/{app_id}")
    binding = binding or bindings.put(result | {"auth_id": call.world.new_hex(32)})
    return binding | {"success": True, "reason": ""}


@behaviour("CreateAndAuthAppAuthApi")
def create_and_auth_app_auth_api(call):
    """The new API of the service and how the authorisation of each app fared."""
    api = register_api(call)
    return {"api": api, "auth_result": authorise_apps(call, api)}


@behaviour("CreateAppAuthApi")
def create_app_auth_api(call):
    """The new API of the service; no app opens it yet."""
    return {"api": register_api(call)}


@behaviour("GetAppAuthApiInfo")
def get_app_auth_api_info(call):
    """The API."""
    return {"api": APIS.of(call).shown(find_api(call))}


@behaviour("DeleteAppAuthApi")
def delete_app_auth_api(call):
    """The API goes; no app opens the service any more."""
    APIS.let_go(call, find_api(call))


def app_ids_of(call, api: dict) -> list[str]:
    """The ids of the apps that open an API."""
    return [binding["app_id"] for binding in BINDINGS.of(call).having("api_id", api["api_id"])]


@behaviour("GetServiceAppAuthApiAuthInfo")
def get_service_app_auth_api_auth_info(call):
    """Whether apps can open the service, and which do."""
    api = api_of_service(call, SERVICES.find(call))
    if api is None:
        return {"enable_app_auth": False}
    apps = [row_of(call, APPS.find(call, id)) for id in app_ids_of(call, api)]
    return {"enable_app_auth": True, "app_auth_api": {"api_id": api["api_id"], "authed_apps": apps}}


@behaviour("ShowApiAuthInfos")
def show_api_auth_infos(call):
    """The caller's own apps and those that open the API, on request only those that do or those that do not."""
    apps, opening = APPS.of(call), set(app_ids_of(call, find_api(call)))
    visible = opening.union(apps.table.having("user_id", call.caller.user_id))
    wanted = {"AUTH": opening, "UNAUTH": visible - opening}.get(call.query.get("show_only", ""), visible)
    found = [app for app in apps.usable() if app["app_id"] in wanted]
    return list_rows(call, [{"app": row_of(call, app), "authed": app["app_id"] in opening} for app in found])


@behaviour("AuthorizeApiToApigApps")
def authorize_api_to_apig_apps(call):
    """How the authorisation of each app fared; those authorised already stay so."""
    return {"auth_result": authorise_apps(call, find_api(call))}


@behaviour("UpdateAuthApiToApigApps")
def update_auth_api_to_apig_apps(call):
    """How each app fared; those not named open the API no more."""
    api, bindings = find_api(call), BINDINGS.of(call)
    wanted = {each["app_id"] for each in call.body["apps"]}
    for binding in bindings.having("api_id", api["api_id"]):
        if binding["app_id"] not in wanted:
            bindings.drop(binding)
    return {"auth_result": authorise_apps(call, api)}


@behaviour("DeleteApiAppAuth")
def delete_api_app_auth(call):
    """How each app fared; those that had been authorised open the API no more."""
    api = find_api(call)
    return {"unauth_result": [unbind_app(call, api, each["app_id"]) for each in call.body["apps"]]}


def unbind_app(call, api: dict, app_id: str) -> dict:
    """Let one app open the API no more; how it fared."""
    bindings = BINDINGS.of(call)
    binding = bindings.get(f"{api['api_id']}/{app_id}")
    if binding is None:
        result = {"api_id": api["api_id"], "app_id": app_id, "auth_id": "", "success": False}
        return result | {"reason": f"application {app_id} is not authorised"}
    bindings.drop(binding)
    return binding | {"success": True, "reason": ""}
