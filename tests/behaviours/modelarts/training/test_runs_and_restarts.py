"""Scripts that run when the emulator stops: they end with it, and begin anew with its next start."""

from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud

from tests.behaviours.modelarts.training.conftest import create, phase, preview

CODE = "training-code"
# It ends only where an earlier attempt has left something.
SCRIPT = """
import sys, time
import moxing as mox
print("begun", flush=True)
if mox.file.exists("obs://training-code/mark"):
    sys.exit(0)
mox.file.write("obs://training-code/mark", "x")
time.sleep(60)
"""


def test_a_script_ends_with_the_emulator_and_begins_anew_with_the_next(tmp_path):
    with Emulator(state=str(tmp_path)) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.clock.freeze()
        cloud.world.obs.create_bucket(CODE)
        cloud.world.obs.write(CODE, "resnet/train.py", SCRIPT.encode())
        id = create(cloud, algorithm__environments=None)
        cloud.clock.until(lambda: phase(cloud, id) == "Running")
        while not cloud.world.obs.exists(CODE, "mark"):
            pass
        run = cloud.world.volatile["modelarts/training/runs"].find(id)
    assert not run.is_alive
    with Emulator(state=str(tmp_path)) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        assert phase(cloud, id) == "Running"
        cloud.clock.advance("1m")
        assert phase(cloud, id) == "Completed"
        assert preview(cloud, id).count("begun") == 1


def test_a_world_takes_its_scripts_along(cloud):
    cloud.world.obs.create_bucket(CODE)
    cloud.world.obs.write(CODE, "resnet/train.py", b"import time\ntime.sleep(60)")
    worlds = cloud.emulator.application.worlds
    id = create(cloud, algorithm__environments=None)
    cloud.clock.until(lambda: phase(cloud, id) == "Running")
    run = cloud.world.volatile["modelarts/training/runs"].find(id)
    worlds.remove(cloud.world)
    assert not run.is_alive


def test_eight_jobs_at_once_each_end_as_their_script_does(cloud):
    cloud.world.obs.create_bucket(CODE)
    script = b"import sys, time\ntime.sleep(0.3)\nsys.exit(int(sys.argv[1].partition('=')[2]))"
    cloud.world.obs.write(CODE, "resnet/train.py", script)
    flavors = ["modelarts.vm.cpu.8u", "modelarts.p3.large.public"]
    ids = []
    for number in range(8):
        resource = {"flavor_id": flavors[number % 2], "node_count": 1}
        parameters = [{"name": "code", "value": str(number)}]
        own = {
            "metadata__name": f"job-{number}",
            "algorithm__parameters": parameters,
            "spec__resource": resource,
        }
        ids.append(create(cloud, algorithm__environments=None, **own))
    cloud.clock.advance("1h")
    assert [phase(cloud, id) for id in ids] == ["Completed", *["Failed"] * 7]
