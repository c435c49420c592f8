"""Metrics and statistics of pools through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkmodelarts.v1 import model
from huaweicloudsdkmodelarts.v1.modelarts_client import ModelArtsClient

from tests.behaviours.modelarts.pools.conftest import GPU, running, train_in


def test_what_runs_in_a_pool_is_told_in_each_of_the_four_ways(cloud):
    client, pool = cloud.sdk(ModelArtsClient), running(cloud, count=2)
    train_in(cloud, pool)
    cloud.clock.advance("10m")
    (item,) = client.show_pool_runtime_metrics(model.ShowPoolRuntimeMetricsRequest()).items
    assert (item.metadata.name, item.table.allocated.value.cpu) == (pool, "192")
    statistics = client.show_pool_statistics(model.ShowPoolStatisticsRequest()).statistics
    assert statistics.status.created == 1
    work = client.show_workload_statistics(model.ShowWorkloadStatisticsRequest(pool_name=pool)).statistics
    assert {each.type: each.total for each in work.items} == {"train": 1, "infer": 0, "notebook": 0}
    shown = client.show_pool_monitor(model.ShowPoolMonitorRequest(pool_name=pool, period="300"))
    assert len(shown.metrics[0].data_points) == 12


def test_a_pool_of_graphics_cards_tells_how_many_it_has(cloud):
    running(cloud, flavor=GPU)
    items = cloud.sdk(ModelArtsClient).show_pool_runtime_metrics(model.ShowPoolRuntimeMetricsRequest()).items
    assert items[0].table.capacity.value.tnt004 == "1"
