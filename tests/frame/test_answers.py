"""What of a record operations answer: what their schemas document, in the answer itself and in the rows of a list."""

from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.frame.answers import documented, documented_row, members_of

OPERATIONS = Operations(check=False).by_id


def test_an_answer_holds_the_documented_members_of_record_and_path():
    record = {"model_id": "m", "place": "secret"}
    assert documented(OPERATIONS["CreateModel"], record, {"project_id": "p"}) == {"model_id": "m"}


def test_an_answer_has_the_members_that_always_have_one_value():
    record = {"model_id": "m", "place": "secret"}
    assert documented(OPERATIONS["UpdateVisualizationJob"], record, {}) == {"is_success": True}


def test_a_row_holds_the_documented_members_of_the_list():
    operation = OPERATIONS["ListModels"]
    assert documented_row(operation, operation.paging.items, {"model_id": "m", "config": "{}"}) == {
        "model_id": "m"
    }


def test_rows_of_an_answer_that_is_an_array_itself_are_known():
    operation = OPERATIONS["ListInferDeploymentPodEvents"]
    assert members_of(operation) is None and "reason" in members_of(operation, operation.paging.items)


def test_an_answer_that_documents_nothing_but_the_kind_holds_the_record_under_that_name():
    record = {"app_id": "1"}
    assert documented(OPERATIONS["ShowApigApp"], record, {"project_id": "p"}, "app") == {"app": record}


def test_an_answer_that_documents_no_members_has_none():
    assert documented(OPERATIONS["UpdateWorkforce"], {"workforce_id": "w"}, {"workforce_id": "w"}) == {}
