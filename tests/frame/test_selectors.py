"""Label selectors."""

import pytest
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.frame.selectors import refuse_bad_selector, selects

from tests.frame.conftest import call_for

LABELS = {"env": "prod", "os.modelarts/name": "net-a", "empty": ""}


@pytest.fixture(scope="module")
def call():
    """A call of an operation that takes a selector."""
    made = call_for("p")
    made.operation = Operations().by_id["ListNetworks"]
    return made


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("env=prod", True),
        ("env == prod", True),
        ("env!=prod", False),
        ("tier!=web", True),
        ("os.modelarts/name in (net-a, net-b)", True),
        ("env notin (prod)", False),
        ("tier notin (web)", True),
        ("env", True),
        ("!env", False),
        ("!tier,env=prod", True),
        ("empty=", True),
        ("env=prod,tier=web", False),
    ],
)
def test_a_selector_holds_for_labels_as_in_kubernetes(call, text, holds):
    assert selects(refuse_bad_selector(call, text), LABELS) == holds


@pytest.mark.parametrize(
    "text", ["env=prod,", ",env=prod", "env in prod", "=prod", "env=a=b", "env in (a", "a b"]
)
def test_text_that_is_no_selector_is_refused(call, text):
    with pytest.raises(ApiError, match="is none of key=value") as refused:
        refuse_bad_selector(call, text)
    assert refused.value.code == "ModelArts.50004000"
