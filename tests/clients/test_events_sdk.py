"""Events of pools and scheduled ones of nodes through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkmodelarts.v1 import model

from tests.behaviours.modelarts.events.conftest import ask_operator, pool_with_node


def test_a_planned_event_is_listed_and_accepted(cloud, client):
    pool, node = pool_with_node(cloud)
    id = ask_operator(cloud, node=node, type="node_redeploy").json["id"]
    found = client.list_scheduled_events(
        model.ListScheduledEventsRequest(pool_name=pool, state=["inquiring"])
    )
    assert [(each.id, each.node_name) for each in found.events] == [(id, node)]
    body = model.EventUpdate(redeploy_config=model.RedeployConfig(type="SOFT"))
    request = model.AcceptScheduledEventRequest(event_id=id, body=body)
    assert client.accept_scheduled_event(request).state == "scheduled"


def test_what_happened_to_a_pool_is_told(cloud, client):
    pool, _ = pool_with_node(cloud)
    found = client.list_events(model.ListEventsRequest(resource="pools", name=pool, limit=1))
    assert (found.items[0].reason, found.metadata.remaining_item_count) == ("PoolResourcesStatusChange", 3)
