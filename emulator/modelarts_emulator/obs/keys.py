"""The object storage of an emulator: OBS, told whose keys are whose and what time it is in each world."""

from pathlib import Path

from modelarts_emulator.waiting import refuse_to_wait


def object_storage(application):
    """The Obs of an application; moto is loaded at its first request."""
    from modelarts_emulator.identity.credentials import obs_key
    from modelarts_emulator.obs.application import Obs
    from modelarts_emulator.obs.faults import name_of, said_by

    settings = application.settings

    def find_key(access_key: str, security_token: str | None = None):
        return obs_key(application, access_key, security_token)

    def now_of(tag: str) -> float:
        world = application.worlds.by_tag(tag) or application.worlds.default
        return world.clock.now()

    def address_of() -> tuple[str, int] | None:
        known = application.addresses
        return (known["host"], known["obs_port"]) if known.get("obs_port") else None

    def fault_of(tag: str, request):
        world = application.worlds.by_tag(tag)
        if world is None or not world.faults:
            return None
        # It may be one that takes its time, and asking counts.
        refuse_to_wait()
        return world.faults.that_strikes(name_of(request), lambda: said_by(request), world.clock.now())

    def past_of(tag: str):
        world = application.worlds.by_tag(tag)
        return None if world is None else world.past

    state = Path(settings.state) / "objects" if settings.state else None
    return Obs(
        find_key,
        settings.region,
        now_of=now_of,
        state_dir=state,
        auth=settings.auth,
        report=application.broken.append,
        address_of=address_of,
        fault_of=fault_of,
        past_of=past_of,
    )
