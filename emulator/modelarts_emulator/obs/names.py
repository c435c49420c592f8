"""Names: which hosts are OBS, which bucket a host means, which names buckets and objects may have.

Every application imports this at its start, so it imports nothing of OBS itself.
"""

import re

OBS_HOST = re.compile(r"^(?:(?P<bucket>.+)\.)?obs\.[a-z0-9][a-z0-9.-]*$")
LOCAL_HOST = re.compile(r"^(?P<bucket>.+)\.localhost$")
BUCKET_NAME = re.compile(r"^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$")
ADDRESS = re.compile(r"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$")
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
LONGEST_KEY = 1024


def without_port(host: str) -> str:
    """The name in a Host header, in lower case."""
    name = host.strip().lower()
    return name if name.endswith("]") else name.rpartition(":")[0] if re.search(r":\d*$", name) else name


def is_obs_host(host: str) -> bool:
    """Whether the host is obs.<domain> or <bucket>.obs.<domain>."""
    return OBS_HOST.match(without_port(host)) is not None


def bucket_in_host(host: str) -> str | None:
    """The bucket a virtual host names; None when the bucket is in the path."""
    name = without_port(host)
    found = OBS_HOST.match(name) or LOCAL_HOST.match(name)
    return found["bucket"] if found else None


def refuse_bucket_name(name: str) -> None:
    """InvalidBucketName unless a bucket may be called that."""
    from modelarts_emulator.obs.refusals import ObsError

    if not BUCKET_NAME.match(name) or ADDRESS.match(name) or re.search(r"\.\.|\.-|-\.", name):
        raise ObsError(
            "InvalidBucketName",
            f"{name[:80]!r}: 3 to 63 lower-case letters, digits, hyphens and dots, beginning and ending with a "
            "letter or digit, no address, no two dots or dot and hyphen side by side",
        )


def refuse_key(key: str) -> None:
    """KeyTooLongError or InvalidURI unless an object may be called that."""
    from modelarts_emulator.obs.refusals import ObsError

    if len(key.encode()) > LONGEST_KEY:
        raise ObsError("KeyTooLongError", f"{len(key.encode())} bytes, at most {LONGEST_KEY}")
    if UNPRINTABLE.search(key):
        raise ObsError("InvalidURI", "the key contains characters that no listing could tell in XML")
