"""The plugin as others use it: faults that never strike fail their test."""

LIST = "ListTrainingJobConfigs"


def test_a_fault_that_never_strikes_fails_its_test(pytester):
    pytester.makepyfile(
        f"""
        def test_that_forgets_to_ask(modelarts_cloud):
            modelarts_cloud.faults.add("{LIST}", status=503)

        def test_that_may(modelarts_cloud):
            modelarts_cloud.faults.add("{LIST}", status=503, optional=True)
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["*faults that were asked for never struck: fault-1 (ListTrainingJobConfigs)*"]
    )
