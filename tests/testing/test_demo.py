"""The demonstration: what it leaves when it is asked to keep what it made."""

from types import SimpleNamespace

from modelarts_emulator.settings import Settings
from modelarts_emulator.testing import demo


def test_a_demonstration_that_keeps_what_it_made_says_where_and_stays_until_it_is_ended(capsys, monkeypatch):
    monkeypatch.setattr(Settings, "port", 0)
    monkeypatch.setattr(Settings, "obs_port", 0)
    answers = []

    def wait_for_the_end():
        answers.append(cloud.get("/_emulator/ready").status)
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "Event", lambda: SimpleNamespace(wait=wait_for_the_end))
    with demo.emulated(quick=True, keep=True) as cloud:
        demo.stay(cloud)
    assert answers == [200]
    assert f"modelarts-emulator env --url {cloud.endpoint}" in capsys.readouterr().out
