"""The plugin as others use it: faults that never strike fail their test."""

from modelarts_emulator.testing import guard

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


def test_a_call_that_leaves_for_the_real_cloud_fails_its_test(pytester):
    pytester.makepyfile(
        """
        import socket
        import urllib.request

        def test_that_forgets_the_endpoint(modelarts_cloud):
            try:
                urllib.request.urlopen("https://modelarts.cn-north-4.myhuaweicloud.com/v1/x", timeout=5)
            except OSError as error:
                assert "is the real cloud" in str(error)

        def test_that_stays_here(modelarts_cloud):
            assert socket.getaddrinfo("127.0.0.1", 80)
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["*the test tried to reach the real cloud: modelarts.cn-north-4.myhuaweicloud.com*"]
    )


def test_a_name_that_the_hosts_file_maps_here_is_none_of_the_clouds(tmp_path, monkeypatch):
    hosts = tmp_path / "hosts"
    hosts.write_text(
        "# names\n127.0.0.1 localhost mapped.myhuaweicloud.com\n10.0.0.1 other.myhuaweicloud.com\n"
    )
    monkeypatch.setattr(guard, "HOSTS", hosts)
    assert guard.is_mapped_here("mapped.myhuaweicloud.com")
    assert not guard.is_mapped_here("other.myhuaweicloud.com")
    assert not guard.is_mapped_here("third.myhuaweicloud.com")
    assert guard.is_of_cloud("obs.eu-de.otc.t-systems.com") and not guard.is_of_cloud("example.com")
