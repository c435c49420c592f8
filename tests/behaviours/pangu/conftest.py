"""What the console of Pangu does for an account: models, deployments, evaluations; and files of the weather."""

import io

import numpy as np
from scipy.io import netcdf_file

from tests.behaviours.maas.conftest import console

N1 = "Pangu-NLP-N1-Chat-32K-20241130"
N2 = "Pangu-NLP-N2-Chat-32K-20241030"
N4 = "Pangu-NLP-N4-Chat-4K-20241130"


def deployments(cloud) -> list[dict]:
    """All deployments of the account."""
    return console(cloud, "GET", "pangu/deployments").json["deployments"]


def default_deployment(cloud, model=N1) -> str:
    """The id of the deployment of a model that is there from the start."""
    return next(row["deployment_id"] for row in deployments(cloud) if row["model"] == model)


def deploy(cloud, **body) -> str:
    """The id of a new deployment that runs."""
    reply = console(cloud, "POST", "pangu/deployments", {"model": N2, **body})
    assert reply.status == 201, reply
    cloud.clock.advance("1h")
    return reply.json["deployment_id"]


def deployment(cloud, id) -> dict:
    """A deployment as the console shows it."""
    return console(cloud, "GET", f"pangu/deployments/{id}").json


def act(cloud, id, action, body=None):
    """What the console answers to an action on a deployment."""
    return console(cloud, "POST", f"pangu/deployments/{id}/{action}", body)


def path_of(id, kind="chat") -> str:
    """The v1 path of a deployment."""
    return f"/v1/{{project_id}}/deployments/{id}/{kind}/completions"


def chat(cloud, id, **body):
    """A chat with a deployment."""
    return cloud.post(path_of(id), {"messages": [{"role": "user", "content": "怎样泡绿茶？"}], **body})


def era5(moment="2024-07-31 00:00:00", warmer=0.0):
    """A file such as ERA5's: 2 m temperature in Kelvin on a grid of 10 degrees, from north to south."""
    out = io.BytesIO()
    file = netcdf_file(out, "w")
    for name, values in {"latitude": np.arange(90, -91, -10), "longitude": np.arange(0, 360, 10)}.items():
        file.createDimension(name, len(values))
        file.createVariable(name, "f4", (name,))[:] = values
    file.createDimension("time", 1)
    time = file.createVariable("time", "i4", ("time",))
    time.units = f"hours since {moment}"
    time[:] = 0
    file.createVariable("t2m", "f4", ("time", "latitude", "longitude"))[:] = 280.0 + warmer
    file.flush()
    return out.getvalue()
