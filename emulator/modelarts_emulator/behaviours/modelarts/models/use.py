"""Which services use a model: a model in use is not deleted."""

USES = "modelarts/models/use"


def use_models(call, service_id: str, model_ids: list[str]) -> None:
    """From now on the service uses these models, and no others."""
    table = call.records(USES)
    record = table.find(service_id) or {"models": []}
    for model_id in set(record["models"]) | set(model_ids):
        used = table.find(model_id) or {"services": []}
        services = [id for id in used["services"] if id != service_id]
        if model_id in model_ids:
            services.append(service_id)
        if services:
            table.put(model_id, {"services": services})
        else:
            table.drop(model_id)
    if model_ids:
        table.put(service_id, {"models": model_ids})
    else:
        table.drop(service_id)


def services_using(call, model_id: str) -> list[str]:
    """The ids of the services that use a model, running or not."""
    return (call.records(USES).find(model_id) or {"services": []})["services"]
