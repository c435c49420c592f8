"""Services of billed workflows: a package is bought, and used up."""

AUTH = "/v2/{project_id}/workflows/service/auth"
ORDER = {"sku": {"code": "day", "period": "day", "price": 1.5, "queries_limit": 10}, "sku_count": "1"}


def buy(cloud, content_id: str = "content", **members):
    """The reply to buying a package for a new workflow, which comes from an asset."""
    workflow = {"name": "flow", "gallery_subscription": {"content_id": content_id}}
    id = cloud.post("/v2/{project_id}/workflows", workflow).json["workflow_id"]
    body = {"pool_id": "pool", "service_id": "service", "order": ORDER, **members}
    return cloud.post(f"/v2/{{project_id}}/workflows/{id}/service/packages", body)


def use(cloud, value: int, service: str = "service"):
    """The reply to using so much."""
    body = {"content_id": "content", "main_service_id": service, "consume": {"period": "day", "value": value}}
    return cloud.post(AUTH, body)


def test_a_package_is_used_up_by_the_day(cloud):
    package = buy(cloud, consume_limit=100).json
    assert package["order"]["sku"] == ORDER["sku"]
    assert (package["consume_limit"], package["current_consume"], package["limit_enable"]) == (100, 0, True)
    reply = use(cloud, 100)
    assert (reply.status, reply.json) == (201, {"result": "available"})
    refused = use(cloud, 1)
    assert (refused.status, refused.json["error_code"]) == (400, "ModelArts.0104")
    assert "100 of 100 a day are used" in refused.json["error_msg"]
    cloud.clock.advance("24h")
    assert use(cloud, 1).status == 201


def test_a_service_without_a_package_is_refused(cloud):
    assert use(cloud, 1).json["error_code"] == "ModelArts.0104"


def test_a_package_for_another_asset_does_not_count(cloud):
    buy(cloud, "other", consume_limit=9)
    refused = use(cloud, 1)
    assert (refused.status, refused.json["error_code"]) == (400, "ModelArts.0104")
    assert "$.content_id" in refused.json["error_msg"]
    buy(cloud, consume_limit=9)
    assert use(cloud, 1).status == 201


def test_a_package_of_no_workflow_is_refused(cloud):
    reply = cloud.post("/v2/{project_id}/workflows/none/service/packages", {"pool_id": "p", "order": ORDER})
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.7512")
