"""Subscriptions: who is told of what happens to a workflow's runs and steps."""

from functools import partial

from modelarts_emulator.behaviours.modelarts.workflows.executions import EXECUTIONS
from modelarts_emulator.behaviours.modelarts.workflows.refusals import refuse
from modelarts_emulator.behaviours.modelarts.workflows.steps import STEPS
from modelarts_emulator.behaviours.modelarts.workflows.workflows import WORKFLOWS
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, works
from modelarts_emulator.frame.messages import deliver, is_here, send
from modelarts_emulator.frame.resources import BelongsTo, Resource

# How subscriptions call the ends of runs and steps.
CALLED = {"abnormal": ("abnormal", "failed"), "stopped": ("stopped", "stop")}
OF_RUNS = ("wait_inputs", "hold")

SUBSCRIPTIONS = Resource(
    "modelarts/workflows/subscription",
    path_names=("subscription_id",),
    id_field="subscription_id",
    not_found="ModelArts.7519",
    belongs_to=BelongsTo(WORKFLOWS, "workflow_id"),
    writes=("topic_urns", "entity", "events"),
).serves(
    create="CreateWorkflowSubscriptions",
    show="ShowWorkflowSubscription",
    update="UpdateWorkflowSubscription",
    delete="DeleteWorkflowSubscription",
)


@SUBSCRIPTIONS.creating
def complete_subscription(call, subscription):
    """Add which workflow it is of, and since when."""
    subscription |= {
        "workflow_id": WORKFLOWS.find(call)["workflow_id"],
        "created_at": call.world.clock.iso(fraction=6),
        "events": subscription.get("events", []),
    }
    refuse_bad_events(call, subscription, None)


@SUBSCRIPTIONS.updating
def refuse_bad_events(call, subscription, before):
    """ApiError for an event that is not of the form step:state,state, or *:state."""
    for at, event in enumerate(subscription["events"]):
        step, mark, states = event.partition(":")
        if not (step and mark and all(states.split(","))):
            refuse(f'$.events[{at}]: {event!r} has to be "step:state,state", such as "*:failed,completed"')


@EXECUTIONS.lifecycle.entered(*EXECUTIONS.lifecycle.states)
def tell_of_execution(bound, execution):
    """Tell those who wait for that state of a run."""
    tell(
        bound, execution["workflow_id"], "*", execution["status"], {"execution_id": execution["execution_id"]}
    )


@STEPS.lifecycle.entered(*STEPS.lifecycle.states)
def tell_of_step(bound, step):
    """Tell those who wait for that state of a step; that a step waits is an event of its run too."""
    about = {"execution_id": step["execution_uuid"], "step_name": step["step_name"]}
    tell(bound, step["_workflow"], step["step_name"], step["status"], about)
    if step["status"] in OF_RUNS:
        tell(bound, step["_workflow"], "*", step["status"], about)


def waits_for(subscription: dict, subject: str, state: str) -> bool:
    """Whether the subscription names that state of the subject."""
    wanted = [event.partition(":") for event in subscription["events"]]
    states = {name for step, _, names in wanted if step == subject for name in names.split(",")}
    return bool(states & {*CALLED.get(state, (state,))})


def tell(bound, workflow_id: str, subject: str, state: str, about: dict) -> None:
    """Send a message to every topic that subscribes to that state of the subject: a step, or * for runs.

    None is sent as long as the workflow's switch is off: `with_subscription` or `smn_switch` of its creation, and
    `smn_switch` of its updates.
    """
    workflow = bound.beside(WORKFLOWS).get(workflow_id) or {}
    if not workflow.get("_tells", workflow.get("smn_switch") or workflow.get("with_subscription")):
        return
    for subscription in bound.beside(SUBSCRIPTIONS).having("workflow_id", workflow_id):
        if not waits_for(subscription, subject, state):
            continue
        message = {"workflow_id": workflow_id, **about, "status": state, "time": bound.world.clock.iso()}
        for topic in dict.fromkeys(subscription["topic_urns"]):
            send(bound, "modelarts/workflows", topic, f"{subject} is {state}", message)
            if is_here(topic):
                bound.beside(CALLBACKS).add(
                    {"id": bound.world.store.next_id(), "topic": topic, "message": message}
                )


def post(bound, callback: dict):
    """What posts the message to the topic."""
    return partial(deliver, callback["topic"], callback["message"])


def after_posting(bound, callback: dict, result) -> str:
    """A message is sent once."""
    return GONE


CALLBACKS = Resource(
    "modelarts/workflows/callback",
    not_found="ModelArts.7519",
    lifecycle=Lifecycle("sending", sending=works(after_posting, post)),
)
