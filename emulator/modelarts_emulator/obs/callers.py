"""Who sends a request: which world their key opens, and whether they have signed with it."""

from typing import NamedTuple

from modelarts_emulator.obs import forms, signatures
from modelarts_emulator.obs.bodies import Sent
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.real_time import wall_now

MOST_SKEW = 15 * 60


class Key(NamedTuple):
    """What an access key is good for."""

    secret: str
    world_tag: str
    account_id: str


def key_of(credential, find_key) -> Key | None:
    """The key a credential names, None when nobody has it. InvalidAccessKeyId when it has expired."""
    try:
        return find_key(credential.access_key, credential.security_token)
    except ValueError as error:
        raise ObsError("InvalidAccessKeyId", f"{credential.access_key[:40]}: {error}") from None


def refuse_unknown_key(credential) -> None:
    """InvalidAccessKeyId, naming the key."""
    raise ObsError("InvalidAccessKeyId", credential.access_key[:40])


def refuse_wrong_signature(request, credential, key: Key) -> None:
    """SignatureDoesNotMatch unless the request is signed with the key."""
    fault = signatures.fault_in_v4(request, credential) if credential.version == "v4" else None
    if fault is not None:
        raise ObsError("SignatureDoesNotMatch", f"AWS version 4, key {credential.access_key[:40]}: {fault}")
    if not signatures.is_signed_with(request, credential, key.secret):
        kind = {"obs": "OBS", "v2": "AWS version 2", "v4": "AWS version 4"}[credential.version]
        raise ObsError("SignatureDoesNotMatch", f"{kind}, key {credential.access_key[:40]}")


def refuse_wrong_form(request, fields: dict, content: Sent, credential, key: Key | None) -> None:
    """SignatureDoesNotMatch, AccessDenied or InvalidPolicyDocument unless the form's signed policy lets it."""
    if key is not None and not forms.is_form_signed_with(fields, credential, key.secret):
        raise ObsError("SignatureDoesNotMatch", f"the policy of the form, key {credential.access_key[:40]}")
    forms.refuse_against_policy(request, fields, content, request.moment)


def refuse_expired(credential, moment: float) -> None:
    """AccessDenied when the URL was good until before that moment."""
    if credential.expires is not None and credential.expires < moment:
        raise ObsError("AccessDenied", f"Request has expired: it was good until {int(credential.expires)}")


def refuse_skew(request) -> None:
    """RequestTimeTooSkewed or AccessDenied unless the request was made within 15 minutes of real time."""
    made = signatures.date_of(request)
    if made is None:
        raise ObsError("AccessDenied", "a Date or x-obs-date header in a known form is needed")
    if abs(wall_now() - made) > MOST_SKEW:
        raise ObsError("RequestTimeTooSkewed", f"{abs(wall_now() - made):.0f} seconds, at most {MOST_SKEW}")
