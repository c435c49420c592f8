"""What a call asks for that creates a training job, read once."""

from functools import cached_property

from modelarts_emulator.behaviours.modelarts.algorithms.algorithms import algorithm_named
from modelarts_emulator.behaviours.modelarts.experiments import experiment_asked
from modelarts_emulator.behaviours.modelarts.training.catalogue import flavor_of
from modelarts_emulator.behaviours.modelarts.training.code import engine_in_full
from modelarts_emulator.behaviours.modelarts.training.search import policy_asked
from modelarts_emulator.behaviours.modelarts.training.tuning import is_tuning

CHANNELS = "/home/ma-user/modelarts"
ENGINE_FACTS = ("engine_id", "engine_name", "engine_version", "run_user", "v1_compatible", "tags")
# What a job shows of a stored algorithm beside name and engine; all else of it was not sent and does not show.
SHOWN_OF_STORED = ("code_dir", "command", "parameters_customization")


class TrainingJobAsked:
    """The parts of the body, and what they name, each looked up when it is first needed and never again.

    stored, engine, flavor and experiment raise ApiError with the documented code when there is no such thing.
    """

    def __init__(self, call):
        body = call.body
        self.call = call
        self.kind = body["kind"]
        self.metadata = body["metadata"]
        self.annotations = self.metadata.get("annotations") or {}
        self.algorithm = body.get("algorithm") or {}
        self.environments = self.algorithm.get("environments") or {}
        self.spec = body.get("spec") or {}
        self.resource = self.spec.get("resource") or {"node_count": 1}
        self.is_tuning = is_tuning(body)
        self.is_dedicated = bool(self.resource.get("pool_id") or self.resource.get("pool_group_id"))

    @cached_property
    def stored(self) -> dict | None:
        """The algorithm that the job is made from; None when it brings its own code."""
        return algorithm_named(self.call, self.algorithm)

    @cached_property
    def stored_code(self) -> dict:
        """The job_config of the stored algorithm; empty when the job brings its own code."""
        return self.stored["job_config"] if self.stored else {}

    @cached_property
    def engine(self) -> dict:
        """The engine in full."""
        engine = self.algorithm.get("engine") or self.stored_code.get("engine") or {}
        return engine_in_full(engine, ENGINE_FACTS)

    @cached_property
    def flavor(self) -> dict | None:
        """The flavor of the public pool, or of dedicated ones; None when the job names none."""
        id = self.resource.get("flavor_id")
        return flavor_of(id, self.is_dedicated) if id else None

    @cached_property
    def auto_search(self) -> dict | None:
        """The search policy; None without one."""
        return policy_asked(self.stored, self.algorithm)

    @cached_property
    def experiment(self) -> dict | None:
        """The experiment that the job joins, which may be a new one; None without one."""
        return experiment_asked(self.call, self.metadata)

    def algorithm_kept(self) -> dict:
        """The algorithm as the job shows it: engine and channels in full, and nothing else that was not sent."""
        known = {"name": self.stored["metadata"]["name"]} if self.stored else {}
        known |= {name: self.stored_code[name] for name in SHOWN_OF_STORED if self.stored_code.get(name)}
        return {
            **known,
            **self.algorithm,
            **({"engine": self.engine} if self.engine else {}),
            "parameters": self.algorithm.get("parameters") or [],
            "policies": {"auto_search": self.auto_search} if self.auto_search else {},
            "inputs": self.channels("inputs"),
            "outputs": self.channels("outputs", mode="upload_periodically", period=30),
        }

    def channels(self, kind: str, **extra) -> list[dict]:
        """The inputs or outputs, each with where it lies in the container."""
        return [
            {"local_dir": f"{CHANNELS}/{kind}/{channel['name']}_{at}", **extra, **channel}
            for at, channel in enumerate(self.algorithm.get(kind) or ())
        ]

    def inherited(self) -> dict | None:
        """What the job runs with of its stored algorithm beside what it shows; None when it brings its own code."""
        if self.stored is None:
            return None
        values = {each["name"]: each for each in self.algorithm.get("parameters") or ()}
        known = [
            {**each, **values.pop(each["name"], {})} for each in self.stored_code.get("parameters") or ()
        ]
        return {"boot_file": self.stored_code.get("boot_file", ""), "parameters": [*known, *values.values()]}

    def spec_kept(self) -> dict:
        """The spec as the job shows it: its flavor in full."""
        path, resource = self.spec.get("log_export_path") or {}, dict(self.resource)
        if self.flavor:
            facts = {name: fact for name, fact in self.flavor["flavor_info"].items() if name != "max_num"}
            resource |= {
                "flavor_name": self.flavor["flavor_name"],
                "flavor_detail": {
                    "flavor_type": self.flavor["flavor_type"],
                    "billing": self.flavor["billing"],
                    "flavor_info": facts,
                },
                "policy": "economic" if self.flavor["flavor_id"].endswith(".eco") else "regular",
            }
        return {
            **self.spec,
            "log_export_path": {name: url for name, url in path.items() if url},
            "is_hosted_log": not path.get("obs_url"),
            "resource": resource,
        }
