"""Keeping the routes of schemas: only as long as no file of theirs has changed."""

import sys

import pytest
from modelarts_emulator.contract import routes
from modelarts_emulator.contract.facts import folder
from modelarts_emulator.contract.operations import Area, Operations, read_routes


@pytest.fixture
def schemas(tmp_path, monkeypatch):
    """A folder of schemas of which the routes are kept."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(routes, "kept_at", lambda: tmp_path / "kept" / "routes.marshal")
    made = tmp_path / "schemas"
    (made / "modelarts").mkdir(parents=True)
    (made / "modelarts/shop.json").write_text("{}")
    routes.keep_routes(made, routes.stamp_of(made), FOUND)
    return made


FOUND = {"modelarts/shop": routes.AreaRoutes([("ShowShop", "GET", "/v1/shop")], {"/v2/shop": "/v1/shop"})}


def test_kept_routes_are_those_that_were_read(schemas):
    assert routes.kept_routes(schemas) == FOUND


def test_routes_are_not_kept_beyond_a_change_of_a_file(schemas):
    (schemas / "modelarts/shop.json").write_text('{"paths": {}}')
    assert routes.kept_routes(schemas) is None


def test_routes_are_not_kept_beyond_a_file_that_is_new(schemas):
    (schemas / "modelarts/bar.json").write_text("{}")
    assert routes.kept_routes(schemas) is None


def test_a_damaged_file_of_routes_is_none(schemas):
    routes.kept_at().write_bytes(b"damaged")
    assert routes.kept_routes(schemas) is None


def test_the_own_operations_are_the_same_from_kept_routes(monkeypatch):
    own = folder("schemas")
    areas = [Area(path.parent.name, path) for path in sorted(own.glob("*/*.json"))]
    found = {area.full_name: read_routes(area, check=False) for area in areas}
    read = [repr(operation) for operation in Operations(own, check=False)]
    monkeypatch.setattr("modelarts_emulator.contract.operations.kept_routes", lambda _: found)
    assert [repr(operation) for operation in Operations()] == read
