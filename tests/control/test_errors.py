"""The atlas of errors: every documented code can be answered, and the page about it is true."""

import re

from modelarts_emulator.contract.errors import documented_errors
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.control.errors import NO_BODY, atlas, recorded
from modelarts_emulator.identity.records import API_KEYS, User, remember_key

from tests.conftest import Answered, path_of

OPERATIONS = Operations(check=False)
ATLAS = atlas(OPERATIONS)
OF_OPERATIONS = [entry for entry in ATLAS if not entry["inject"]["operation"].startswith("obs:")]
OF_OBJECTS = [entry for entry in ATLAS if entry["inject"]["operation"].startswith("obs:")]
SOMEBODY = User("5" * 32, "somebody")


def test_the_atlas_has_every_documented_code_once(cloud):
    told = cloud.get("/_emulator/errors").json
    assert [entry["code"] for entry in told["errors"]] == sorted(documented_errors())
    assert (told["count"], told["natural"]) == (len(ATLAS), sum("natural" in entry for entry in ATLAS))


def test_every_code_of_an_operation_can_be_answered(cloud):
    remember_key(cloud.world, API_KEYS, f"key of {cloud.world.tag}", SOMEBODY, cloud.project_id)
    for entry in OF_OPERATIONS:
        for status in entry.get("statuses", [entry["status"]]):
            answered = asked_with_fault(cloud, entry["inject"], status)
            assert (answered.status, is_told(answered, entry["code"])) == (status, True), (entry, answered)


def asked_with_fault(cloud, inject: dict, status: int) -> Answered:
    """What the operation answers to a request whose header asks for the code."""
    operation = OPERATIONS.by_id[inject["operation"]]
    path = path_of(operation, dict.fromkeys(operation.path_names, cloud.project_id))
    sent = {"X-Auth-Token": cloud.token, "X-Emulator-Fault": f"code={inject['code']}; status={status}"}
    if operation.access.only_api_key:
        sent["Authorization"] = f"Bearer key of {cloud.world.tag}"
    return Answered(cloud.emulator.application, operation.method, path, headers=sent)


def is_told(answered: Answered, code: str) -> bool:
    """Whether the body names the code; one of a status that has no body need not."""
    named = re.search(rf'"(error_code|code|type|message)":"?{re.escape(code)}["}},:]', answered.body.decode())
    return answered.status == NO_BODY or bool(named)


def test_every_code_of_objects_can_be_answered(cloud):
    client = cloud.obs(max_retry_count=0)
    for entry in OF_OBJECTS:
        cloud.faults.add(**entry["inject"], times=1)
        reply = client.getObject("files", "a", loadStreamInMemory=True)
        assert (reply.status, reply.errorCode) == (entry["status"], entry["code"]), entry
    client.close()


def test_every_fault_of_the_atlas_is_one_that_can_be_asked_for(cloud):
    for entry in OF_OPERATIONS:
        assert cloud.faults.add(**entry["inject"], optional=True)
    assert len(OF_OPERATIONS) + len(OF_OBJECTS) == len(documented_errors())


def test_one_code_is_shown_with_all_that_is_known_of_it(cloud):
    shown = cloud.get("/_emulator/errors/ModelArts.2791").json
    assert shown == next(entry for entry in ATLAS if entry["code"] == "ModelArts.2791")


def test_an_unknown_code_is_not_found(cloud):
    assert cloud.get("/_emulator/errors/NoSuch.Code").status == 404


def test_what_was_recorded_is_of_documented_codes_operations_and_tests():
    assert recorded()["codes"].keys() <= documented_errors().keys()
    assert recorded()["operations"].keys() <= OPERATIONS.by_id.keys()
