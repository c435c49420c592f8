"""The code that a job or an algorithm names: its folder, boot file, command and engine, and why it is refused."""

from modelarts_emulator.behaviours.modelarts.training.catalogue import engine_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.obs_paths import ObsPath, obs_path, refuse_bad_obs_path

IN_IMAGE = "file://"
EPOCH_NAMES = {
    "epochs",
    "epoch",
    "max_epoch",
    "max_epochs",
    "num_epochs",
    "train_epochs",
    "training_iteration",
}
CLOSED_DIRS = ("/home/ma-user/modelarts", "/home/ma-user/modelarts-dev", "/home/ma-user/infer")


def code_folder(code_dir: str | None) -> ObsPath | None:
    """The folder in OBS that a code directory names; None for one in the image, and without one."""
    return obs_path(code_dir).folder if code_dir and not code_dir.startswith(IN_IMAGE) else None


def refuse_bad_code(code: dict, where: str) -> None:
    """Code directory, boot file, command and image belong together, and the engine is named in one way."""
    code_dir, boot_file = code.get("code_dir"), code.get("boot_file")
    engine, command = code.get("engine") or {}, code.get("command")
    if boot_file and not code_dir:
        raise ApiError("ModelArts.2757", f"{where}.boot_file needs {where}.code_dir, the folder it is in")
    if code_dir and not (boot_file or command):
        raise ApiError("ModelArts.2758", f"{where}.code_dir needs {where}.boot_file, or a command")
    if bool(command) != bool(engine.get("image_url")) and not boot_file:
        raise ApiError("ModelArts.2806", f"{where}.command and {where}.engine.image_url come together")
    if code_dir and not code_dir.startswith(IN_IMAGE):
        refuse_bad_obs_path("ModelArts.2791", f"{where}.code_dir", code_dir)
    if boot_file:
        refuse_boot_file_elsewhere(code_dir, boot_file, where)
    if code_dir or command:
        refuse_bad_engine(engine, where)
    refuse_bad_dirs(code, where)


def refuse_boot_file_elsewhere(code_dir: str, boot_file: str, where: str) -> None:
    """The boot file lies in the code directory."""
    folder = code_folder(code_dir)
    if folder is None:
        is_inside = boot_file.startswith(f"{code_dir.rstrip('/')}/")
    else:
        is_inside = folder.has_inside(refuse_bad_obs_path("ModelArts.2791", f"{where}.boot_file", boot_file))
    if not is_inside or ".." in boot_file.split("/"):
        raise ApiError("ModelArts.2792", f"{where}.boot_file {boot_file} must lie below code_dir {code_dir}")


def refuse_bad_engine(engine: dict, where: str) -> None:
    """The engine is named by id, by name and version, or by an image."""
    named = [name for name in ("engine_name", "engine_version") if engine.get(name)]
    if len(named) == 1:
        raise ApiError("ModelArts.2788", f"{where}.engine needs engine_name and engine_version together")
    if engine.get("engine_id") and engine.get("image_url"):
        raise ApiError("ModelArts.2788", f"{where}.engine has engine_id and image_url, must have one of them")
    if not (named or engine.get("engine_id") or engine.get("image_url")):
        words = f"{where}.engine must have engine_id, or engine_name and engine_version, or image_url"
        raise ApiError("ModelArts.2830", words)


def engine_in_full(engine: dict, facts: tuple[str, ...]) -> dict:
    """A preset engine with those facts of it, a custom image as it was given; ApiError for an unknown engine."""
    if not engine or engine.get("image_url"):
        return engine
    found = engine_of(engine)
    return {**engine, **{name: found[name] for name in facts if name in found}}


def refuse_bad_dirs(code: dict, where: str) -> None:
    """The directories inside the container are ones that the platform leaves to the job."""
    local, working = code.get("local_code_dir"), code.get("working_dir")
    closed = tuple(f"{each}/" for each in CLOSED_DIRS)
    if local and (local.rstrip("/") == "/home/ma-user" or f"{local}/".startswith(closed)):
        raise ApiError("ModelArts.2857", f"{where}.local_code_dir {local} belongs to the platform")
    if working and not working.startswith("/"):
        raise ApiError("ModelArts.2859", f"{where}.working_dir is {working!r}, must be an absolute path")


def epochs_asked(algorithm: dict, most: int) -> int | None:
    """How many epochs a job asks for, from 1 to `most`; None when it names none."""
    for parameter in algorithm["parameters"]:
        value = parameter.get("value", "")
        if parameter["name"] in EPOCH_NAMES and value.isascii() and value.isdecimal() and len(value) < 10:
            return max(1, min(most, int(value)))
    return None


def algorithm_run(job: dict) -> dict:
    """The algorithm as the job runs it: with what it has of a stored one and does not show, as it was not sent."""
    return {**job["algorithm"], **job.get("_inherited", {})}
