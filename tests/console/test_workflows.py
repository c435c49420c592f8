"""Workflows in the console: steps as a graph, runs, what waits for somebody, and the forms that go on."""

from tests.behaviours.modelarts.workflows.conftest import (
    WORKFLOWS as API,
)
from tests.behaviours.modelarts.workflows.conftest import (
    condition_step,
    create,
    job_step,
    labeling_step,
    put_script,
    run,
    states,
    step_in,
)
from tests.console.conftest import sent_command, whole

WORKFLOWS = "/console/workflows/"
IS_LARGE = {"type": ">", "left": "$ref/parameters/size", "right": 10}
SIZE = {"name": "size", "type": "int", "default": 5}


def console_of(path: str) -> str:
    """The address in the console of what the API has at a path."""
    return WORKFLOWS + path.removeprefix(f"{API}/").replace("executions/", "")


def drawn(page) -> dict[str, str]:
    """{what a step of the graph tells on pointing at it: its colour}."""
    kinds = [each["class"].split()[1] for each in page.all("g") if each["class"].startswith("step ")]
    return dict(zip((text for text in page.heads["title"] if ": " in text), kinds, strict=True))


def test_a_page_without_workflows_says_what_makes_one(browser, cloud):
    page = whole(browser, WORKFLOWS)
    assert "There is no workflow." in page.text
    assert sent_command(cloud, page.heads["pre"][0]).status == 201
    assert "flow 1 0" in whole(browser, WORKFLOWS).text


def test_a_run_is_drawn_with_the_states_of_its_steps(browser, cloud):
    put_script(cloud)
    decide = condition_step("decide", IS_LARGE, ["large"], ["small"], depend_steps=["train"])
    steps = [job_step("train"), decide, labeling_step("large", "decide"), labeling_step("small", "decide")]
    flow = create(cloud, *steps, parameters=[SIZE])
    assert set(drawn(whole(browser, console_of(flow))).values()) == {"plain"}
    execution = run(cloud, flow)
    cloud.clock.advance("1h")
    page = whole(browser, console_of(execution))
    assert drawn(page) == {
        "train: job completed": "good",
        "decide: condition completed": "good",
        "large: labeling skipped": "plain",
        "small: labeling hold": "busy",
    }
    assert [word for word in page.heads["text"] if word in ("then", "else")] == ["then", "else"]
    job = step_in(cloud, execution, "train")["instance_id"]
    assert f"/console/training/{job}" in [link["href"].partition("?")[0] for link in page.all("a")]


def test_a_run_begins_with_the_values_of_the_form(browser, cloud):
    flow = create(cloud, labeling_step("a"), parameters=[SIZE, {"name": "fast", "type": "bool"}])
    refused = browser.post(console_of(flow), {"value.size": "many"})
    assert (refused.status, "'many' is no int" in refused.text) == (400, True)
    assert "no value for parameter fast" in browser.post(console_of(flow), {"value.size": "7"}).text
    begun = browser.post(console_of(flow), {"value.size": "7", "value.fast": "true"})
    assert begun.status == 303
    (shown,) = cloud.get(f"{flow}/executions").json["items"]
    assert {each["name"]: each["value"] for each in shown["parameters"]} == {"size": 7, "fast": True}


def test_a_step_that_waits_for_input_gets_it_by_its_form(browser, cloud):
    put_script(cloud)
    step = job_step("train")
    step["properties"] = {**step["properties"], "spec": {"resource": {"flavor_id": "$ref/parameters/flavor"}}}
    flow = create(cloud, step, parameters=[{"name": "flavor", "type": "str", "delay": True}])
    execution = run(cloud, flow)
    cloud.clock.advance("1m")
    assert "What waits for somebody" in whole(browser, WORKFLOWS).text
    page = whole(browser, console_of(execution))
    (action,) = [
        form["action"].partition("?")[0] for form in page.all("form") if "/continue" in form["action"]
    ]
    assert "value-train-flavor" in [field.get("id") for field in page.all("input")]
    assert browser.get(action).status == 405
    assert browser.post(action, {"value.flavor": "modelarts.vm.cpu.8u"}).status == 303
    cloud.clock.advance("1h")
    assert states(cloud, execution) == {"train": "completed"}


def test_data_that_a_run_needs_are_given_as_json(browser, cloud):
    wanted = {"name": "pictures", "type": "obs"}
    flow = create(cloud, labeling_step("a"), data_requirements=[wanted])
    assert "data.pictures" in [field["name"] for field in whole(browser, console_of(flow)).all("textarea")]
    broken = browser.post(console_of(flow), {"data.pictures": "/code/"})
    assert (broken.status, "data.pictures: not JSON" in broken.text) == (400, True)
    assert browser.post(console_of(flow), {"data.pictures": '{"obs_url": "/code/"}'}).status == 303
    (shown,) = cloud.get(f"{flow}/executions").json["items"]
    assert shown["data_requirements"][0]["value"] == {"obs_url": "/code/"}


def test_a_run_is_stopped_and_run_again_by_its_buttons(browser, cloud):
    execution = run(cloud, create(cloud, labeling_step("a")))
    cloud.clock.advance("1m")
    assert browser.post(f"{console_of(execution)}/stop").status == 303
    assert states(cloud, execution) == {"a": "stopped"}
    assert browser.post(f"{console_of(execution)}/rerun").status == 303
    cloud.clock.advance("1m")
    assert states(cloud, execution) == {"a": "hold"}


def test_chosen_steps_of_a_run_are_run_again_with_what_depends_on_them(browser, cloud):
    execution = run(cloud, create(cloud, labeling_step("a"), labeling_step("b")))
    cloud.clock.advance("1m")
    for name in ("a", "b"):
        step = step_in(cloud, execution, name)["uuid"]
        assert browser.post(f"{console_of(execution)}/steps/{step}/continue").status == 303
    cloud.clock.advance("1m")
    assert states(cloud, execution) == {"a": "completed", "b": "completed"}
    page = whole(browser, console_of(execution))
    assert [each["value"] for each in page.all("input") if each.get("name") == "step"] == ["a", "b"]
    assert browser.post(f"{console_of(execution)}/rerun", {"step": "b"}).status == 303
    cloud.clock.advance("1m")
    assert states(cloud, execution) == {"a": "completed", "b": "hold"}


def test_conditions_that_lead_in_a_circle_are_drawn_all_the_same(browser, cloud):
    decide = condition_step("decide", IS_LARGE, ["first"], [], depend_steps=["first"])
    flow = create(cloud, labeling_step("first"), decide, parameters=[SIZE])
    assert set(drawn(whole(browser, console_of(flow)))) == {"first: labeling ", "decide: condition "}
