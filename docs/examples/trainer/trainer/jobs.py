"""Training jobs of the v2 API, by the official SDK."""

import time
from collections.abc import Callable

from huaweicloudsdkcore.exceptions.exceptions import ServerResponseException, ServiceResponseException
from huaweicloudsdkmodelarts.v1 import model

ENGINE = "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"
OVER = ("Completed", "Failed", "Terminated", "Abnormal")
BUSY = (429, 503)


class JobFailed(RuntimeError):
    """A job that has ended otherwise than Completed."""


def start_job(client, name: str, code: str, boot_file: str, flavor: str = "modelarts.vm.cpu.8u") -> str:
    """Start a training job; its id. A busy service is asked again, three times at most."""
    engine = model.JobEngine(engine_id=ENGINE)
    algorithm = model.JobAlgorithm(code_dir=code, boot_file=boot_file, engine=engine)
    resource = model.Resource(flavor_id=flavor, node_count=1)
    body = model.Job(
        kind="job",
        metadata=model.JobMetadata(name=name),
        algorithm=algorithm,
        spec=model.Spec(resource=resource),
    )
    request = model.CreateTrainingJobRequest(body=body)
    return patiently(lambda: client.create_training_job(request)).metadata.id


def wait_for_job(client, id: str, seconds: float = 10, pause: Callable[[float], object] = time.sleep) -> str:
    """Wait until a job is over; its phase. JobFailed unless that is Completed."""
    request = model.ShowTrainingJobDetailsRequest(training_job_id=id)
    while True:
        phase = patiently(lambda: client.show_training_job_details(request)).status.phase
        if phase == "Completed":
            return phase
        if phase in OVER:
            raise JobFailed(f"job {id} is {phase}")
        pause(seconds)


def patiently(ask: Callable, times: int = 3):
    """What the service answers; it is asked again while it is busy."""
    for left in reversed(range(times)):
        try:
            return ask()
        except (ServerResponseException, ServiceResponseException) as error:
            if error.status_code not in BUSY or not left:
                raise
