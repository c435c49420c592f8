"""What the console of MaaS does for an account: keys, and what its models may be asked."""


def console(cloud, method, path, body=None):
    """What the control API answers for the account's world."""
    headers = {"X-Emulator-World": cloud.world.tag}
    return cloud.send(method, f"/_emulator/{path}", body or {}, headers=headers, auth=False)


def key_of(cloud) -> dict:
    """The header with an API key of the account, made on first use."""
    if "maas_key" not in cloud.__dict__:
        cloud.maas_key = console(cloud, "POST", "maas/api-keys").json["api_key"]
    return {"Authorization": f"Bearer {cloud.maas_key}"}


def set_model(cloud, model, **setting):
    """Set access and limits of a model."""
    assert console(cloud, "PUT", f"maas/models/{model}", setting).status == 200
