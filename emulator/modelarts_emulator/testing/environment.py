"""The process's environment with an account laid over it, and as it was when the account is taken away again."""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock

from modelarts_emulator.testing.shells import variables

# What would lead an SDK past the account: other credentials, other addresses, a proxy between it and this machine.
ELSEWHERE = {
    **dict.fromkeys(
        f"HUAWEICLOUD_SDK_{name}"
        for name in (
            "SECURITY_TOKEN",
            "CREDENTIALS_FILE",
            "REGIONS_FILE",
            "STS_ENDPOINT",
            "IDP_ID",
            "ID_TOKEN_FILE",
        )
    ),
    **dict.fromkeys(("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "ANTHROPIC_API_KEY", "OPENAI_ORG_ID")),
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


class Layers:
    """Values laid over os.environ, the latest on top; any of them may be taken away first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._layers: list[dict] = []
        self._before: dict = {}

    @contextmanager
    def over(self, values: dict) -> Iterator[None]:
        """The environment with these values, None for a variable that is not to be there."""
        with self._lock:
            for name in values.keys() - self._before.keys():
                self._before[name] = os.environ.get(name)
            self._layers.append(values)
            self._show(values)
        try:
            yield
        finally:
            with self._lock:
                self._layers = [layer for layer in self._layers if layer is not values]
                self._show(values)

    def _show(self, names: Iterable[str]) -> None:
        """Make the environment say of these variables what lies on top."""
        for name in names:
            layers = [layer[name] for layer in self._layers if name in layer]
            value = layers[-1] if layers else self._before.pop(name)
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


# os.environ is the process's: so is what lies over it.
LAYERS = Layers()


def pointing_at(environment: dict, trusted: dict[str, str] | None = None) -> AbstractContextManager[None]:
    """Context manager: unmodified SDKs find the account of this environment, whatever was set before, and trust it."""
    return LAYERS.over({**ELSEWHERE, **variables(environment), **(trusted or {})})
