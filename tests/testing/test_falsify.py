"""pytest --modelarts-falsify: which broken rules a suite notices."""

SUITE = """
    WORKSPACES = "/v1/{project_id}/workspaces"


    def test_a_workspace_is_made_and_listed(cloud):
        made = cloud.post(WORKSPACES, {"name": "first"})
        assert made.status == 200
        found = cloud.get(WORKSPACES).json["workspaces"]
        assert [each["name"] for each in found][0] == "first"


    def test_a_name_is_taken_once(cloud):
        cloud.post(WORKSPACES, {"name": "first"})
        assert cloud.post(WORKSPACES, {"name": "first"}).json["error_code"] == "ModelArts.0104"
"""


def test_a_suite_is_told_which_broken_rules_it_did_not_notice(pytester):
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("--modelarts-falsify")
    result.assert_outcomes(passed=2)
    told = result.stdout.str()
    assert "not noticed: CreateWorkspace: refuses with another status than 400" in told
    assert "not noticed: ListWorkspace: succeeds with another status than 200" in told
    assert "  code     1 of 1" in told and "  kept     1 of 1" in told


def test_what_fails_as_it_is_is_not_falsified(pytester):
    pytester.makepyfile(
        "def test_it(cloud):\n    assert cloud.get('/v1/{project_id}/workspaces').status == 404\n"
    )
    result = pytester.runpytest_subprocess("--modelarts-falsify")
    result.assert_outcomes(failed=1)
    assert "nothing was broken" in result.stdout.str()


def test_the_rounds_run_in_one_process(pytester):
    pytester.makepyfile("def test_it(cloud):\n    assert cloud\n")
    result = pytester.runpytest_subprocess("--modelarts-falsify", "-n", "2")
    assert "leave out -n" in result.stderr.str()
