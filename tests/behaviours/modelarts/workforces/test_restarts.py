"""Stories about team labeling that outlives the emulator, and about resets."""

import pytest

from tests.behaviours.modelarts.datasets.conftest import begun, cloud_of, held, made, pictures
from tests.behaviours.modelarts.workforces.conftest import (
    LABELERS,
    NAMES,
    create,
    draw,
    label,
    mails,
    running,
    samples,
    state,
    states,
    team,
)


def test_a_task_that_was_starting_is_handed_out_after_a_restart(tmp_path):
    with begun(tmp_path) as emulator:
        cloud = cloud_of(emulator)
        task = create(cloud, made(cloud, pictures(*NAMES)), team(cloud))
        assert cloud.post(task, {}).json == {}
    with begun(tmp_path) as emulator:
        cloud = cloud_of(emulator)
        cloud.clock.advance("1m")
        assert state(cloud, task) == 1 and len(samples(cloud, task)) == len(NAMES)
        assert len(mails(cloud, LABELERS[0])) == 1


def test_results_that_were_passing_on_arrive_after_a_restart(tmp_path):
    with begun(tmp_path) as emulator:
        cloud = cloud_of(emulator)
        task = running(cloud)
        label(cloud, task, samples(cloud, task))
        draw(cloud, task)
        assert cloud.put(f"{task}/acceptance/status?locale=en-us", {"action": 0}).json == {}
        assert state(cloud, task) == 5
    with begun(tmp_path) as emulator:
        cloud = cloud_of(emulator)
        cloud.clock.advance("1m")
        assert state(cloud, task) == 3 and {*states(cloud, task).values()} == {"__ACCEPTED__"}
        assert all(held(cloud, task.split("/")[4]).values())


@pytest.mark.parametrize("area", ["workforces", "datasets", "samples"])
def test_a_reset_leaves_no_sample_of_a_task_that_is_gone(cloud, area):
    task = running(cloud)
    label(cloud, task, samples(cloud, task))
    assert cloud.post(f"{task}/acceptance", {"sampling_rate": 1}).status == 200
    assert cloud.post("/_emulator/reset", {"area": f"modelarts/{area}"}).status == 200
    cloud.clock.advance("5m")
    left = {
        name.split("/")[2] for name in cloud.world.store.names() if name.startswith("modelarts/workforces/")
    }
    assert ("task" in left) is (area == "samples") and ("sample" in left) is (area == "samples")
    assert cloud.world.due.fault_count == 0
