"""What happens to services, in the order of a deployment."""

from modelarts_emulator.frame.events import EventLog
from modelarts_emulator.frame.listing import list_rows

EVENTS = EventLog("modelarts/services/event", most=1000)

# What a deployment of one model version tells, and after how many seconds of the cloud's time.
STEPS = (
    (2, "building image for model [{model}]"),
    (20, "model ({model}) build image success"),
    (22, "preparing environment"),
    (30, "[{model}] prepare environment success"),
    (35, "[{model}] schedule resource success"),
    (40, "[{model}] pulling model image"),
    (50, "[{model}] pull model image success"),
)
BUILD_SECONDS = 20


def note_event(bound, service: dict, info: str, is_normal: bool = True, after: float = 0) -> None:
    """Add an event of now, or of so many seconds of the cloud's time later; is_normal: nothing went wrong."""
    moment = int((bound.world.clock.now() + after / bound.world.pace) * 1000)
    kind = "normal" if is_normal else "abnormal"
    EVENTS.note(bound, service["service_id"], {"occur_time": moment, "event_type": kind, "event_info": info})


def note_deployment(bound, service: dict, refusals: dict[str, str | None]) -> None:
    """The events of a deployment up to the start of the models; refusals: why a version (name and number) cannot
    be built.
    """
    events = [(0, "start to deploy service", True)]
    for model, refusal in refusals.items():
        for after, words in STEPS:
            if refusal is not None and after >= BUILD_SECONDS:
                events.append((BUILD_SECONDS, f"model ({model}) build image failed: {refusal}", False))
                break
            events.append((after, words.format(model=model), True))
    for after, words, is_normal in sorted(events, key=lambda event: event[0]):
        note_event(bound, service, words, is_normal, after)


def list_events(call, bound, service: dict) -> dict:
    """The events that have happened by now."""
    now = call.world.clock.now_ms()
    events = [event for event in EVENTS.of(bound, service["service_id"]) if event["occur_time"] <= now]
    return list_rows(call, events) | {name: service[name] for name in ("service_id", "service_name")}
