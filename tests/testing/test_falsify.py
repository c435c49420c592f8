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
    pytester.makepyfile(
        SUITE + "\n\n    def test_wrong(cloud):\n        assert cloud.get(WORKSPACES).status == 404\n"
    )
    told = pytester.runpytest_subprocess("--modelarts-falsify").stdout.str()
    assert "left out because they failed as they are: 1" in told and "  kept     1 of 1" in told


def test_the_rounds_run_in_one_process(pytester):
    pytester.makepyfile("def test_it(cloud):\n    assert cloud\n")
    result = pytester.runpytest_subprocess("--modelarts-falsify", "-n", "2")
    assert "leave out -n" in result.stderr.str()


def test_parts_share_the_rules(pytester):
    pytester.makepyfile(SUITE)
    counts = []
    for part in ("1/2", "2/2"):
        told = pytester.runpytest_subprocess(
            "--modelarts-falsify", "--modelarts-falsify-part", part
        ).stdout.str()
        counts.append(int(told.partition(" rules broken")[0].split()[-1]))
    whole = pytester.runpytest_subprocess("--modelarts-falsify").stdout.str()
    assert all(counts) and f"{sum(counts)} rules broken" in whole
    refused = pytester.runpytest_subprocess("--modelarts-falsify", "--modelarts-falsify-part", "3/2")
    assert "is 3/2, must be such as 1/4" in refused.stderr.str()


def test_rows_of_a_list_lose_members_too(pytester):
    pytester.makepyfile(SUITE)
    told = pytester.runpytest_subprocess("--modelarts-falsify").stdout.str()
    unnoticed = [
        line for line in told.splitlines() if line.startswith("not noticed: ListWorkspace: answers without")
    ]
    assert (
        len(unnoticed) == 1 and "workspaces[].id" in unnoticed[0] and "workspaces[].name" not in unnoticed[0]
    )


PAGES = """
    WORKSPACES = "/v1/{project_id}/workspaces"


    def test_pages(cloud):
        cloud.post(WORKSPACES, {"name": "first"})
        for asked in (%s):
            assert cloud.get(WORKSPACES, params=asked).status == 200
"""


def test_what_would_be_the_same_is_not_broken(pytester):
    whole, half = '{"limit": 10, "offset": 0},', '{"limit": 1}, {"limit": 1, "offset": 1}'
    for asked, words in ((whole, []), (whole + half, ["does not look at limit, offset"])):
        pytester.makepyfile(PAGES % asked)
        told = pytester.runpytest_subprocess("--modelarts-falsify").stdout.str()
        assert "answers workspaces in the opposite order" in told
        assert [line.partition(": ")[2] for line in told.splitlines() if "does not look at" in line] == [
            f"ListWorkspace: {each}" for each in words
        ]
