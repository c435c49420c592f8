"""Algorithms: what is kept, what is refused, what jobs inherit, what is published."""

import pytest

from tests.behaviours.modelarts.conftest import with_members
from tests.behaviours.modelarts.training.conftest import JOBS, cloud_seconds, preview, show
from tests.conftest import add_workspace

ALGORITHMS = "/v2/{project_id}/algorithms"
GALLERY = "/v2/{project_id}/gallery-algorithm-publication"
FLAVOR = {"flavor_id": "modelarts.vm.cpu.8u", "node_count": 1}
BODY = {
    "metadata": {"name": "resnet", "description": "a first try"},
    "job_config": {
        "code_dir": "/training-code/resnet/",
        "boot_file": "/training-code/resnet/train.py",
        "engine": {"engine_name": "PyTorch", "engine_version": "PyTorch-1.4.0-python3.6-v2"},
        "parameters": [
            {
                "name": "lr",
                "value": "0.1",
                "constraint": {"type": "Float", "valid_type": "range", "valid_range": ["0.001", "1"]},
            },
            {
                "name": "optimizer",
                "value": "adam",
                "constraint": {"type": "String", "valid_type": "choice", "valid_range": ["adam", "sgd"]},
            },
            {"name": "data", "value": "", "constraint": {"type": "Integer", "required": True}},
            {"name": "seed", "value": "7", "constraint": {"type": "Integer", "editable": False}},
        ],
    },
}
GIVEN = [{"name": "data", "value": "3"}]
SEARCH = {
    "reward_attrs": [{"name": "acc", "mode": "max", "regex": "acc=([0-9.]+)"}],
    "search_params": [
        {"name": "lr", "param_type": "continuous", "lower_bound": "0.001", "upper_bound": "0.1"}
    ],
    "algo_configs": [{"name": "tpe_search", "params": []}, {"name": "anneal_search", "params": []}],
}


def changed(**changes) -> dict:
    """The usual body with members at dotted paths (__ for the dot) set; None takes one out."""
    return with_members(BODY, **changes)


def with_parameter(**parameter) -> dict:
    """The usual body with one hyperparameter."""
    return changed(job_config__parameters=[{"name": "lr", **parameter}])


def create(cloud, body=BODY) -> str:
    """The id of a new algorithm."""
    reply = cloud.post(ALGORITHMS, body)
    assert reply.status == 201, reply
    return reply.json["metadata"]["id"]


def job_of(cloud, algorithm: dict, **resource):
    """The answer to a job that names an algorithm."""
    body = {
        "kind": "job",
        "metadata": {"name": f"job-{cloud.world.new_hex(8)}"},
        "algorithm": {"parameters": GIVEN, **algorithm},
        "spec": {"resource": {**FLAVOR, **resource}},
    }
    return cloud.post(JOBS, body)


def refusal(reply) -> tuple[int, str]:
    """Status and code of a refusal."""
    return reply.status, reply.json["error_code"].partition(".")[2]


def names(cloud, query: str = "") -> list[str]:
    """The names of the algorithms that are listed."""
    return [item["metadata"]["name"] for item in cloud.get(f"{ALGORITHMS}{query}").json["items"]]


def publish(cloud, id: str, **more):
    """The answer to a publication."""
    return cloud.post(GALLERY, {"algorithm": {"id": id}, **more})


def test_a_new_algorithm_shows_what_was_asked_for_and_its_engine_in_full(cloud):
    id = create(cloud)
    shown = cloud.get(f"{ALGORITHMS}/{id}").json
    assert (shown["metadata"]["name"], shown["metadata"]["source"]) == ("resnet", "custom")
    assert shown["job_config"]["engine"]["engine_id"] == "pytorch-cp36-1.4.0-v2"
    assert shown["job_config"]["parameters"][3]["value"] == "7"


def test_the_documented_example_is_answered_as_documented(cloud):
    constraint = {
        "editable": True,
        "required": False,
        "sensitive": False,
        "type": "Boolean",
        "valid_range": [],
        "valid_type": "None",
    }
    config = {
        "boot_file": "/cnnorth4-job-test-v2/pytorch/fast_example/code/cpu/test-pytorch.py",
        "code_dir": "/cnnorth4-job-test-v2/pytorch/fast_example/code/cpu/",
        "inputs": [{"description": "Data source 1", "name": "data_url"}],
        "outputs": [{"description": "Output data 1", "name": "train_url"}],
        "parameters": [{"constraint": constraint, "description": "", "name": "dist", "value": "False"}],
        "parameters_customization": True,
    }
    version = "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"
    engine = {"engine_name": "PyTorch", "engine_version": version}
    metadata = {"description": "test pytorch job in cpu in mode gloo", "name": "test-pytorch-cpu"}
    body = {"metadata": metadata, "job_config": config | {"engine": engine}, "resource_requirements": []}
    shown = cloud.post(ALGORITHMS, body).json
    assert shown["job_config"]["engine"]["engine_id"] == version
    assert {name: shown["job_config"][name] for name in config} == config | {
        "parameters": [{**config["parameters"][0], "i18n_description": None}]
    }
    facts = ("is_valid", "source", "tags", "attr_list", "update_time", "version_num", "workspace_id")
    assert [shown["metadata"][name] for name in facts] == [True, "custom", None, None, 0, 0, "0"]


def test_the_code_of_an_algorithm_is_shown_as_a_tree_with_its_size(cloud):
    cloud.world.obs.create_bucket("training-code")
    for key in ("resnet/train.py", "resnet/nets/block.py", "other/x.py"):
        cloud.world.obs.write("training-code", key, b"12345")
    shown = cloud.get(f"{ALGORITHMS}/{create(cloud)}").json
    tree = {
        "name": "resnet/",
        "children": [{"name": "nets/", "children": [{"name": "block.py"}]}, {"name": "train.py"}],
    }
    assert (shown["job_config"]["code_tree"], shown["metadata"]["size"]) == (tree, 10)


def test_a_changed_algorithm_is_the_next_version_under_its_id(cloud):
    id = create(cloud)
    before = cloud.get(f"{ALGORITHMS}/{id}").json["metadata"]
    cloud.clock.advance("1h")
    reply = cloud.put(f"{ALGORITHMS}/{id}", changed(metadata__description="better"))
    after = cloud.get(f"{ALGORITHMS}/{id}").json["metadata"]
    assert (reply.status, after["description"], after["version_num"]) == (201, "better", 1)
    assert after["create_time"] == before["create_time"] < after["update_time"]


def test_a_deleted_algorithm_is_not_found(cloud):
    id = create(cloud)
    assert cloud.delete(f"{ALGORITHMS}/{id}").status == 202
    assert refusal(cloud.delete(f"{ALGORITHMS}/{id}")) == (400, "2755")
    assert refusal(cloud.get(f"{ALGORITHMS}/{id}")) == (400, "2755")


def test_algorithms_are_listed_by_workspace_name_and_page(cloud):
    add_workspace(cloud, "a" * 32)
    for name in ("alpha", "beta", "alphabet"):
        create(cloud, changed(metadata__name=name))
    create(cloud, changed(metadata__name="alpha", metadata__workspace_id="a" * 32))
    assert names(cloud) == ["alphabet", "beta", "alpha"]
    assert names(cloud, "?searches=alpha&order=asc") == ["alpha", "alphabet"]
    assert names(cloud, "?sort_by=name&order=asc&limit=1&offset=1") == ["alphabet"]
    assert names(cloud, f"?workspace_id={'a' * 32}") == ["alpha"]


@pytest.mark.parametrize(("query", "code"), [("sort_by=colour", "2790"), ("group_by=colour", "2764")])
def test_algorithms_are_not_listed_by_what_they_do_not_have(cloud, query, code):
    create(cloud)
    assert refusal(cloud.get(f"{ALGORITHMS}?{query}")) == (400, code)


REFUSALS = {
    "a name with a blank": ("2788", changed(metadata__name="my algorithm")),
    "no code": ("2788", changed(job_config=None)),
    "a boot file alone": ("2757", changed(job_config__code_dir=None)),
    "a folder alone": ("2758", changed(job_config__boot_file=None)),
    "a boot file elsewhere": ("2792", changed(job_config__boot_file="/training-code/a.py")),
    "a path that is none": ("2791", changed(job_config__code_dir="resnet/")),
    "a command without its image": ("2806", changed(job_config={"command": "true"})),
    "an unknown engine": ("2780", changed(job_config__engine={"engine_id": "caffe"})),
    "no engine": ("2830", changed(job_config__engine=None)),
    "two inputs of a name": ("2753", changed(job_config__inputs=[{"name": "a"}, {"name": "a"}])),
    "an input from the moon": (
        "2834",
        changed(job_config__inputs=[{"name": "a", "remote_constraints": [{"data_type": "moon"}]}]),
    ),
    "two parameters of a name": ("2767", changed(job_config__parameters=[{"name": "a"}, {"name": "a"}])),
    "a parameter with a bad name": ("2788", changed(job_config__parameters=[{"name": "a b"}])),
    "a type nobody knows": ("2825", with_parameter(constraint={"type": "Complex"})),
    "a default in digits of another script": (
        "2768",
        with_parameter(value="１", constraint={"type": "Integer"}),
    ),
    "a default that is no number": ("2768", with_parameter(value="nan", constraint={"type": "Float"})),
    "a default of another type": ("2768", with_parameter(value="x", constraint={"type": "Integer"})),
    "a default out of range": (
        "2769",
        with_parameter(
            value="9", constraint={"type": "Integer", "valid_type": "range", "valid_range": ["1", "3"]}
        ),
    ),
    "a range that ends before it begins": (
        "2770",
        with_parameter(constraint={"type": "Integer", "valid_type": "range", "valid_range": ["3", "1"]}),
    ),
    "a range of words": (
        "2770",
        with_parameter(constraint={"type": "String", "valid_type": "range", "valid_range": ["a", "b"]}),
    ),
    "a required value that nobody can set": (
        "2766",
        with_parameter(constraint={"type": "String", "required": True, "editable": False}),
    ),
    "a kind of flavor nobody has": (
        "2788",
        changed(resource_requirements=[{"key": "flavor_type", "operator": "in", "values": ["TPU"]}]),
    ),
    "a search without a goal": ("2824", changed(advanced_config={"auto_search": {"reward_attrs": []}})),
    "an unknown search": (
        "2826",
        changed(advanced_config={"auto_search": {**SEARCH, "algo_configs": [{"name": "magic"}]}}),
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_an_algorithm_is_refused_with_the_documented_code_for(cloud, what):
    code, body = REFUSALS[what]
    assert refusal(cloud.post(ALGORITHMS, body)) == (400, code)
    assert names(cloud) == []


def test_a_name_is_taken_once_in_a_workspace(cloud):
    id = create(cloud)
    assert refusal(cloud.post(ALGORITHMS, BODY)) == (400, "2821")
    assert cloud.put(f"{ALGORITHMS}/{id}", BODY).status == 201


def test_an_algorithm_with_too_many_files_is_refused(cloud):
    cloud.world.obs.create_bucket("training-code")
    for number in range(1025):
        cloud.world.obs.write("training-code", f"resnet/{number}", b"")
    assert refusal(cloud.post(ALGORITHMS, BODY)) == (400, "2759")


def test_a_job_inherits_code_engine_and_parameters(cloud):
    id = job_of(cloud, {"id": create(cloud)}).json["metadata"]["id"]
    cloud_seconds(cloud, 20)
    algorithm = show(cloud, id)["algorithm"]
    assert (algorithm["name"], algorithm["engine"]["engine_name"]) == ("resnet", "PyTorch")
    assert "resnet/train.py --lr=0.1 --optimizer=adam --data=3 --seed=7" in preview(cloud, id)


def test_a_job_of_a_custom_image_runs_the_algorithms_command(cloud):
    image = {"command": "sh run.sh", "engine": {"image_url": "group/image:1"}}
    id = create(cloud, changed(job_config=image))
    algorithm = show(cloud, job_of(cloud, {"id": id}).json["metadata"]["id"])["algorithm"]
    assert (algorithm["command"], algorithm["engine"]) == ("sh run.sh", {"image_url": "group/image:1"})


@pytest.mark.parametrize(
    ("parameter", "code"),
    [
        ({"name": "lr", "value": "fast"}, "2774"),
        ({"name": "lr", "value": "2"}, "2816"),
        ({"name": "optimizer", "value": "lamb"}, "2816"),
        ({"name": "seed", "value": "8"}, "2788"),
        ({"name": "data", "value": ""}, "2766"),
    ],
)
def test_a_job_keeps_to_what_the_algorithm_allows(cloud, parameter, code):
    given = [each for each in GIVEN if each["name"] != parameter["name"]]
    reply = job_of(cloud, {"id": create(cloud), "parameters": [*given, parameter]})
    assert refusal(reply) == (400, code)


def test_a_job_adds_parameters_only_where_the_algorithm_lets_it(cloud):
    more = [*GIVEN, {"name": "extra", "value": "1"}]
    open_id = create(cloud)
    closed_id = create(cloud, changed(metadata__name="closed", job_config__parameters_customization=False))
    assert job_of(cloud, {"id": open_id, "parameters": more}).status == 201
    assert refusal(job_of(cloud, {"id": closed_id, "parameters": more})) == (400, "2788")


def test_a_job_gives_every_input_the_algorithm_declares_from_where_it_may_come(cloud):
    inputs = [{"name": "data_url", "remote_constraints": [{"data_type": "dataset"}]}]
    id = create(cloud, changed(job_config__inputs=inputs))
    given = [{"name": "data_url", "remote": {"obs": {"obs_url": "/training-data/a/"}}}]
    assert refusal(job_of(cloud, {"id": id})) == (400, "2753")
    assert refusal(job_of(cloud, {"id": id, "inputs": given})) == (400, "2854")


@pytest.mark.parametrize(
    ("key", "value", "resource", "code"),
    [
        ("flavor_type", "GPU", {}, "2840"),
        ("host_distributed_mode", "singular", {"node_count": 2}, "2793"),
        ("device_distributed_mode", "singular", {"flavor_id": "modelarts.kat1.8xlarge"}, "2840"),
    ],
)
def test_a_job_runs_only_where_the_algorithm_can(cloud, key, value, resource, code):
    requirements = [{"key": key, "operator": "in", "values": [value]}]
    id = create(cloud, changed(resource_requirements=requirements))
    assert refusal(job_of(cloud, {"id": id}, **resource)) == (400, code)


def test_a_job_picks_one_of_the_algorithms_searches(cloud):
    id = create(cloud, changed(advanced_config={"auto_search": SEARCH}))
    chosen = [{"name": "tpe_search", "params": []}]
    job = job_of(cloud, {"id": id, "policies": {"auto_search": {"algo_configs": chosen}}}).json
    assert job["algorithm"]["policies"]["auto_search"] == SEARCH | {"algo_configs": chosen}
    assert job_of(cloud, {"id": id}).json["algorithm"]["policies"] == {}


def test_a_published_algorithm_can_be_trained_with_by_subscription_though_its_source_is_gone(cloud):
    id = create(cloud)
    reply = publish(cloud, id)
    cloud.delete(f"{ALGORITHMS}/{id}")
    asset = {"subscription_id": reply.json["content_id"], "item_version_id": reply.json["version_id"]}
    assert (reply.status, reply.json["version_num"]) == (202, "1.0.0")
    job = job_of(cloud, asset).json["metadata"]["id"]
    cloud_seconds(cloud, 20)
    assert "resnet/train.py --lr=0.1" in preview(cloud, job)
    assert refusal(job_of(cloud, asset | {"item_version_id": "another"})) == (400, "2755")


def named(version_num: str) -> dict:
    """What names the version of a publication."""
    return {"content_info": {"version_num": version_num}}


def test_versions_of_an_asset_are_counted_on_or_named(cloud):
    id = create(cloud)
    content_id = publish(cloud, id).json["content_id"]
    numbers = [
        publish(cloud, id, content_id=content_id, **more).json["version_num"]
        for more in ({}, named("2.0.0"), named("1.5.0"), {})
    ]
    assert numbers == ["1.0.1", "2.0.0", "1.5.0", "2.0.1"]


def test_an_algorithm_is_not_published_twice_under_a_name_or_a_version(cloud):
    id = create(cloud)
    content_id = publish(cloud, id).json["content_id"]
    again = publish(cloud, id, content_id=content_id, content_info={"version_num": "1.0.0"})
    assert refusal(publish(cloud, id)) == (400, "2756")
    assert refusal(again) == (400, "2752")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "2788"),
        ({"algorithm": {"id": "none"}}, "2755"),
        ({"content_id": "none"}, "2788"),
        ({"content_info": {"version_num": "first"}}, "2788"),
    ],
)
def test_an_incomplete_publication_is_refused(cloud, body, code):
    complete = {"algorithm": {"id": create(cloud)}} if body and "algorithm" not in body else {}
    assert refusal(cloud.post(GALLERY, complete | body)) == (400, code)
