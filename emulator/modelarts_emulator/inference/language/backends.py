"""Who answers chats: the backend and the latency that settings name."""

from collections.abc import Callable

from modelarts_emulator.inference.language.builtin import Builtin
from modelarts_emulator.inference.language.demo_model import COMMAND, place
from modelarts_emulator.inference.language.gguf import Gguf
from modelarts_emulator.inference.language.latency import Profile
from modelarts_emulator.inference.language.scripted import Scripted
from modelarts_emulator.inference.language.upstream import Upstream


def backend_of(chat: str, key: str, builtin: Callable[[], Builtin | None]):
    """The backend that a setting names; builtin makes the one of our own. BadScript or ValueError for no backend."""
    kind, _, rest = chat.partition(":")
    if kind == "scripted":
        return Scripted.from_file(rest, builtin())
    if kind in ("gguf", "demo"):
        return Gguf(rest or str(place()))
    if kind == "upstream":
        url, _, model = rest.partition("#")
        return Upstream(url, key, model)
    return builtin()


def refuse_bad_settings(settings) -> None:
    """BadScript or ValueError when the settings name a backend or a latency profile that is not one."""
    if settings.chat == "demo" and not place().is_file():
        raise ValueError(f"chat demo needs its model in {place()}; fetch it with: {COMMAND}")
    backend = backend_of(settings.chat, settings.chat_key, lambda: None)
    if isinstance(backend, Gguf):
        backend.refuse_unusable()
    Profile.parsed(settings.latency)
