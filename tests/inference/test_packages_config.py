"""config.json and what surrounds it: limits, tolerance, needed files and libraries, made-up answers."""

import json
import re
from configparser import ConfigParser
from pathlib import Path
from random import Random

import jsonschema
import orjson
import pytest
from modelarts_emulator.inference.packages import dependencies
from modelarts_emulator.inference.packages.config import Package, flatten, parse_config
from modelarts_emulator.inference.packages.dependencies import missing, other_versions
from modelarts_emulator.inference.packages.layout import problems
from modelarts_emulator.inference.packages.simulated import predict

ROW = {"type": "object", "properties": {"sepal": {"type": "number"}}}
REQUEST = {"type": "object", "properties": {"req_data": {"type": "array", "items": [ROW]}}}
RESULT = {"type": "object", "properties": {"predictresult": {"type": "number", "minimum": 2, "maximum": 3}}}
RESPONSE = {"type": "object", "properties": {"resp_data": {"type": "array", "items": [RESULT]}}}
PREDICTIVE = {
    "url": "/",
    "method": "post",
    "request": {
        "Content-type": "application/json",
        "data": {"type": "object", "properties": {"data": REQUEST}},
    },
    "response": {
        "Content-type": "application/json",
        "data": {"type": "object", "properties": {"data": RESPONSE}},
    },
}


def parsed(**fields):
    return parse_config(document(**fields))


def document(**fields) -> str:
    return json.dumps({"model_type": "XGBoost", "model_algorithm": "predict_analysis"} | fields)


def dependency(**package) -> list:
    return [{"installer": "pip", "packages": [package]}]


def test_what_is_left_out_has_its_documented_default():
    config = parsed(apis=[{}])
    assert (config.runtime, config.metrics, config.dependencies, config.health) == ("python2.7", {}, [], None)
    assert config.apis[0][:3] == ("https", "/", "POST")
    assert config.apis[0].request == ("application/json", None)


def test_misspelt_keys_and_content_types_of_the_samples_are_mended():
    request = {"Content-type": "applicaton/json", "data": {"type": "array", "item": [{"type": "number"}]}}
    api = parsed(apis=[{"procotol": "http", "request": request}]).apis[0]
    assert api.protocol == "http"
    assert api.request == ("application/json", {"type": "array", "items": {"type": "number"}})


def test_property_names_are_never_mended():
    properties = {"item": {"type": "string"}, "propertys": {"type": "number"}}
    api = parsed(apis=[{"request": {"data": {"type": "object", "properties": properties}}}]).apis[0]
    assert api.request.data["properties"] == properties


def test_a_request_may_be_the_schema_itself_and_data_may_be_a_text():
    schema = {"type": "object", "properties": {"a": {"type": "number"}}}
    api = parsed(apis=[{"request": schema, "response": {"data": json.dumps(schema)}}]).apis[0]
    assert api.request.data == api.response.data == schema


def test_metrics_are_cut_after_seventeen_decimals():
    metrics = '{"metrics": {"f1": 0.123456789012345678999, "recall": 1}, '
    config = parse_config(document().replace("{", metrics, 1))
    assert config.metrics == {"f1": 0.12345678901234567, "recall": 1.0}


def test_dependencies_keep_their_order_and_empty_texts_mean_the_newest():
    config = parsed(
        dependencies=dependency(package_name="b", package_version="", restraint="")
        + dependency(package_name="a", package_version="1.0", restraint="ATLEAST")
    )
    assert config.dependencies == [[Package("b", None, None)], [Package("a", "1.0", "ATLEAST")]]


@pytest.mark.parametrize(
    "fields, named",
    [
        ({"model_algorithm": ""}, "model_algorithm is required"),
        ({"model_algorithm": "a" * 37}, "model_algorithm has 37 characters"),
        ({"model_algorithm": "1a"}, "model_algorithm 1a has to begin"),
        ({"model_algorithm": "a=b"}, "model_algorithm a=b contains ="),
        ({"model_algorithm": "a模"}, "model_algorithm a模 contains 模"),
        ({"model_type": None}, "model_type is required"),
        ({"model_type": "Keras"}, "model_type Keras is not one of"),
        ({"model_type": "Image"}, "swr_location is required"),
        ({"model_type": "Image", "swr_location": "swr/a", "runtime": "python3.6"}, "runtime is not for"),
        (
            {"model_type": "Image", "swr_location": "swr/a", "dependencies": dependency(package_name="a")},
            "dependencies",
        ),
        ({"metrics": {"f1": "high"}}, "metrics.f1 has to be a number"),
        ({"metrics": []}, "metrics has to be an object"),
        ({"apis": {}}, "apis has to be an array"),
        ({"apis": [{"url": "/a"}]}, "apis of XGBoost have to be exactly one with url /"),
        ({"apis": [{}, {}]}, "apis of XGBoost have to be exactly one with url /"),
        ({"apis": [{"protocol": "ftp"}]}, r"apis\[0\].protocol ftp"),
        ({"apis": [{"method": "PATCH"}]}, r"apis\[0\].method PATCH"),
        ({"apis": [{"request": {"Content-type": "multipart/form-data"}}]}, "takes application/json only"),
        ({"apis": [{"request": {"Content-type": "text/html"}}]}, r"apis\[0\].request.Content-type text/html"),
        ({"apis": [{"response": {"data": "{"}}]}, r"apis\[0\].response.data is a text that is not JSON"),
        ({"apis": [{"response": {"data": {"items": 1}}}]}, r"apis\[0\].response.data.items"),
        ({"dependencies": [{"installer": "conda", "packages": []}]}, r"dependencies\[0\].installer conda"),
        ({"dependencies": dependency()}, r"dependencies\[0\].packages\[0\].package_name is required"),
        ({"dependencies": dependency(package_name="a<b")}, r"packages\[0\].package_name a<b contains <"),
        (
            {"dependencies": dependency(package_name="a", package_version="1")},
            r"packages\[0\].restraint None",
        ),
        ({"health": {"check_method": "TCP"}}, "health.check_method TCP is neither HTTP nor EXEC"),
        ({"readiness_health": []}, "readiness_health has to be an object"),
        (
            {"startup_health": {"failure_threshold": "x"}},
            "startup_health.failure_threshold x has to be a number",
        ),
    ],
)
def test_a_field_that_breaks_a_rule_is_named(fields, named):
    with pytest.raises(ValueError, match=named):
        parsed(**fields)


@pytest.mark.parametrize("text", ["", "[]", "nothing", b"\xff\xfe"])
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(ValueError, match=r"config.json"):
        parse_config(text)


@pytest.mark.parametrize(
    "health",
    [
        {"protocol": "http"},
        {"check_method": "EXEC"},
        {"url": "/h", "protocol": "https"},
        {"url": "/h", "timeout_seconds": "x"},
    ],
)
def test_a_health_check_of_an_image_needs_a_url_http_and_seconds(health):
    with pytest.raises(ValueError, match=r"health\."):
        parsed(model_type="Image", swr_location="swr/a", health=health)


def test_an_image_may_have_several_apis_and_a_health_check():
    health = {"url": "/health", "initial_delay_seconds": 5}
    config = parsed(
        model_type="Image", swr_location="swr/a", apis=[{"url": "/a"}, {"url": "/b"}], health=health
    )
    assert [api.url for api in config.apis] == ["/a", "/b"]
    assert config.health == {"url": "/health", "initial_delay_seconds": "5"}


def test_every_engine_may_declare_how_it_is_seen_to_live_to_be_ready_and_to_have_started():
    check = {"check_method": "HTTP", "url": "/health", "period_seconds": 5, "failure_threshold": "3"}
    command = {"check_method": "EXEC", "command": "/home/ma-user/health.sh"}
    config = parsed(health=check, readiness_health=command, startup_health={})
    assert config.health == check | {"period_seconds": "5"}


def test_the_detail_of_a_model_shows_one_parameter_for_each_property():
    shown = flatten(parsed(apis=[PREDICTIVE]))
    place = {"url": "/", "method": "post", "protocol": "https"}
    (parameter,) = shown["input_params"]
    declared = json.loads(parameter.pop("param_desc"))
    assert parameter == place | {"param_name": "data", "param_type": "object"}
    assert declared["type"] == "object" and "req_data" in declared["properties"]
    assert shown["apis"][0]["output_params"]["properties"]["data"]["type"] == "object"


def test_libraries_and_dependencies_that_are_not_installed_are_named():
    config = parsed(
        dependencies=dependency(package_name="no-such-thing", package_version="1.0", restraint="EXACT")
        + dependency(package_name="numpy")
    )
    assert missing(config, "Caffe") == [
        "Caffe: the library caffe is not installed here",
        "dependency no-such-thing==1.0 is not installed here; "
        "pip install 'no-such-thing==1.0' in the emulator's Python",
    ]


@pytest.mark.parametrize("engine", ["PyTorch", "Scikit_Learn", "XGBoost"])
def test_a_library_that_is_lacking_is_told_with_the_extra_that_brings_it(monkeypatch, engine):
    monkeypatch.setattr(dependencies, "is_importable", lambda library: False)
    told = " ".join(missing(parsed(), engine))
    (extra,) = set(re.findall(r"pip install 'modelarts-emulator\[(\w+)\]'", told))
    setup = ConfigParser()
    setup.read(Path(__file__).parents[2] / "setup.cfg")
    assert extra in setup["options.extras_require"]


def test_an_image_says_that_containers_are_not_run():
    assert "container images are not run here" in missing(parsed(), "Image")[0]


@pytest.mark.parametrize(
    "version, restraint, differs", [("0.1", "EXACT", 1), ("0.1", "ATLEAST", 0), ("0.1", "ATMOST", 1)]
)
def test_a_dependency_in_another_version_is_told_but_not_missing(version, restraint, differs):
    config = parsed(
        dependencies=dependency(package_name="numpy", package_version=version, restraint=restraint)
    )
    assert len(other_versions(config)) == differs
    assert not any("numpy" in each for each in missing(config, "XGBoost"))


TENSORFLOW = [
    "config.json",
    "saved_model.pb",
    "variables/variables.index",
    "variables/variables.data-00000-of-00001",
]


@pytest.mark.parametrize(
    "engine, names, reasons",
    [
        ("TensorFlow", TENSORFLOW, []),
        ("TensorFlow", TENSORFLOW[:3], ["variables.data-"]),
        ("XGBoost", ["config.json", "sub/a.m"], [r"model/*.m is missing"]),
        ("Scikit_Learn", ["a.m"], ["model/config.json is missing"]),
        ("MXNet", ["config.json", "resnet-50-symbol.json", "resnet-50-0000.params"], []),
        ("Spark_MLlib", ["config.json", "spark_model/metadata/part-0"], []),
        ("PyTorch", ["config.json", "a.pth"], ["customize_service.py"]),
        ("PyTorch", ["config.json", "a.pt"], []),
        ("MindSpore", ["model.om"], ["cannot run here"]),
    ],
)
def test_the_files_an_engine_needs_are_asked_for(engine, names, reasons):
    found = problems(names, engine)
    assert len(found) == len(reasons)
    assert all(reason in sentence for reason, sentence in zip(reasons, found, strict=True))


def test_a_simulated_answer_fits_the_declared_schema_and_has_a_row_for_each_row():
    config = parsed(apis=[PREDICTIVE])
    answer = json.loads(predict(config, 7, b'{"data": {"req_data": [{}, {}, {}, {}, {}]}}'))
    jsonschema.validate(answer, config.apis[0].response.data)
    assert len(answer["data"]["resp_data"]) == 5


def test_a_simulated_answer_depends_on_seed_and_request_alone():
    config = parsed(apis=[PREDICTIVE])
    first, again, seeded, asked = (
        predict(config, seed, body) for seed, body in ((1, b"a"), (1, b"a"), (2, b"a"), (1, b"b"))
    )
    assert first == again
    assert len({first, seeded, asked}) == 3


def test_simulated_answers_fit_every_kind_of_schema():
    random = Random(5)
    for _ in range(300):
        schema = drawn(random, 3)
        config = parsed(apis=[{"response": {"data": {"type": "object", "properties": {"x": schema}}}}])
        jsonschema.validate(json.loads(predict(config, 1, b""))["x"], schema)


def drawn(random: Random, depth: int) -> dict:
    low = random.randint(-5, 5)
    kinds = [
        {"type": "number", "minimum": low, "maximum": low + 0.5},
        {"type": "integer", "minimum": low, "maximum": low + 2},
        {"type": "boolean"},
        {"type": "null"},
        {"enum": ["a", 1, None]},
        {"type": "string", "minLength": abs(low), "maxLength": abs(low) + 3},
    ]
    if depth:
        kinds.append({"type": "array", "minItems": abs(low), "items": drawn(random, depth - 1)})
        kinds.append({"type": "object", "properties": {"y": drawn(random, depth - 1)}})
    return random.choice(kinds)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": []},
        {"enum": {"a": 1}},
        {"type": "integer", "minimum": 5, "maximum": -5},
        {"type": "integer", "minimum": 10**40},
        {"type": "number", "minimum": "low", "maximum": None},
        {"type": "array", "minItems": 10**12, "items": {"type": "null"}},
        {"type": "array", "minItems": -1, "maxItems": -5},
        {"type": "string", "minLength": 10**12},
        {"type": "string", "minLength": "x", "maxLength": False},
    ],
)
def test_a_simulated_model_answers_whatever_its_schema_asks_for(schema):
    config = parsed(apis=[{"response": {"data": {"type": "object", "properties": {"x": schema}}}}])
    assert len(predict(config, 1, b"")) < 20_000
    assert orjson.dumps(flatten(config))


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", '"\\ud800"', "[" * 200 + "]" * 200])
def test_a_config_that_no_answer_could_carry_is_refused(value):
    text = json.dumps({"model_type": "PyTorch", "model_algorithm": "a", "x": 1}).replace("1}", f"{value}}}")
    with pytest.raises(ValueError):
        parse_config(text)


def test_a_simulated_model_refuses_an_api_it_does_not_declare():
    with pytest.raises(LookupError):
        predict(parsed(apis=[PREDICTIVE]), 1, b"", path="/other")
