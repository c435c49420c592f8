"""A container of the emulator for testcontainers (`pip install testcontainers`)."""

import json

from testcontainers.core.container import DockerContainer


class ModelArtsContainer(DockerContainer):
    """The emulator in a container: its address, and the variables that point clients at it."""

    PORT, OBS_PORT = 7878, 7879

    def __init__(self, image: str = "modelarts-emulator", seed: int = 1, **options):
        super().__init__(image, **options)
        # Links to objects name the port of OBS: it has to be the same outside.
        self.with_exposed_ports(self.PORT).with_bind_ports(self.OBS_PORT, self.OBS_PORT)
        self.with_env("MODELARTS_EMULATOR_SEED", str(seed))

    def start(self) -> "ModelArtsContainer":
        """Start it, and wait until it is ready."""
        super().start()
        waited = self.exec(["modelarts-emulator", "wait", "--timeout", "60"])
        if waited.exit_code:
            raise RuntimeError(waited.output.decode())
        return self

    @property
    def endpoint(self) -> str:
        """The address of ModelArts, Pangu, MaaS and IAM."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(self.PORT)}"

    def environment(self) -> dict[str, str]:
        """What a client has to know of the default account."""
        command = ["modelarts-emulator", "env", "--format", "json"]
        told = json.loads(self.exec(command).output)
        host = self.get_container_host_ip()
        return told | {"endpoint": self.endpoint, "obs_endpoint": f"http://{host}:{self.OBS_PORT}"}
