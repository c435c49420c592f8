"""OBS as a WSGI callable: world, signature, operation, journal, and the answer in the client's dialect."""

import itertools
import logging
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from threading import RLock
from urllib.parse import quote

from modelarts_emulator.obs import forms
from modelarts_emulator.obs.callers import (
    Key,
    key_of,
    refuse_expired,
    refuse_skew,
    refuse_unknown_key,
    refuse_wrong_form,
    refuse_wrong_signature,
)
from modelarts_emulator.obs.dialects import header_name
from modelarts_emulator.obs.faults import suffer_after, suffer_before
from modelarts_emulator.obs.in_process import WorldObs
from modelarts_emulator.obs.names import bucket_in_host
from modelarts_emulator.obs.refusals import ObsError, error_document, host_id
from modelarts_emulator.obs.replies import Reply, xml_reply
from modelarts_emulator.obs.requests import ObsRequest, request_from
from modelarts_emulator.obs.signatures import credential_of
from modelarts_emulator.obs.xml import element
from modelarts_emulator.worlds.faults import Fault, HangUp
from modelarts_emulator.worlds.past import Past
from modelarts_emulator.worlds.world import tag_of_number

# What names an object and carries no more than this takes no longer than an operation.
QUICK = ("GET", "HEAD", "PUT", "DELETE")
MOST_QUICK = 256 << 10
COPIES = ("HTTP_X_OBS_COPY_SOURCE", "HTTP_X_AMZ_COPY_SOURCE")
REFUSALS = {413: "EntityTooLarge", 414: "InvalidURI", 494: "MetadataTooLarge", 507: "ServiceUnavailable"}
API_VERSION = "3.0"
log = logging.getLogger("modelarts_emulator.obs")


class Obs:
    """The object storage of all worlds; moto is loaded at the first request.

    find_key(access_key, security_token): the Key, None when nobody has it; ValueError when it has expired.
    now_of(world_tag): virtual time. state_dir: where objects survive a restart. auth: "presence" (signatures are
    verified when the key is known, other keys open the default world), "strict" or "off". default: the tag of the
    world that anonymous requests open. report: told of every failure that is OBS's own. address_of(): host and port at
    which this machine reaches it, None where nobody listens. fault_of(world_tag, request): what a request suffers
    because somebody has asked for it. past_of(world_tag): where it is noted what changes there, None for nowhere.
    """

    def __init__(
        self,
        find_key: Callable[[str, str | None], Key | None],
        region: str,
        *,
        now_of: Callable[[str], float],
        state_dir: Path | None = None,
        auth: str = "presence",
        default: str = "",
        report: Callable[[str], None] | None = None,
        address_of: Callable[[], tuple[str, int] | None] = lambda: None,
        fault_of: Callable[[str, ObsRequest], Fault | None] = lambda tag, request: None,
        past_of: Callable[[str], Past | None] = lambda tag: None,
    ):
        self.auth = auth
        self._find_key = find_key
        self._region = region
        self._now_of = now_of
        self._state_dir = state_dir
        self._default = default
        self._report = report
        self.address_of = address_of
        self._fault_of = fault_of
        self._past_of = past_of
        self._lock = RLock()
        self._worlds = None
        self._numbers = itertools.count(1)

    def of(self, world) -> WorldObs:
        """The objects of one world, in process."""
        return WorldObs(self, world)

    def reset(self, world_tag: str | None = None) -> int:
        """Forget the objects of one world, or of all; how many there were. Loads nothing where there is nothing."""
        kept = self._state_dir is not None and any(self._state_dir.glob("*.journal"))
        return self.worlds.reset(world_tag) if self._worlds is not None or kept else 0

    def close(self) -> None:
        """Let go of the journals."""
        if self._worlds is not None:
            self._worlds.close()

    @property
    def trouble(self) -> str | None:
        """Why the objects of a world cannot be read or written; None when all can."""
        return None if self._worlds is None else self._worlds.trouble

    def now(self, tag: str) -> float:
        """Virtual time of a world."""
        return self._now_of(tag)

    @property
    def default(self) -> str:
        """The tag of the world that anonymous requests and unknown keys open."""
        return self._default or tag_of_number(0)

    @property
    def is_loaded(self) -> bool:
        """Whether moto and all objects are there already."""
        return self._worlds is not None

    @property
    def worlds(self):
        """The objects of all worlds, loaded on first use."""
        if self._worlds is not None:
            return self._worlds
        with self._lock:
            if self._worlds is None:
                from modelarts_emulator.obs.worlds import ObsWorlds

                self._worlds = ObsWorlds(self._region, self._state_dir, self._past_of)
            return self._worlds

    def is_quick(self, environ: dict, host: str, path: str) -> bool:
        """Whether the server's loop may try to answer: a request about one object, little to carry, all loaded."""
        method = environ["REQUEST_METHOD"]
        if not self.is_loaded or method not in QUICK or any(name in environ for name in COPIES):
            return False
        if not path.partition("/")[2] if bucket_in_host(host) else not path[1:].partition("/")[2]:
            return False
        length = environ.get("CONTENT_LENGTH")
        if not length:
            return method != "PUT" and "HTTP_TRANSFER_ENCODING" not in environ
        return length.isascii() and length.isdecimal() and int(length) <= MOST_QUICK

    def __call__(self, environ: dict, start_response):
        """Answer one WSGI request; NeedsThread where one must not wait and would have to."""
        number = next(self._numbers)
        request_id = f"{number:032X}"
        method, dialect = environ["REQUEST_METHOD"], "obs"
        try:
            refusal = environ.get("emulator.refusal")
            if refusal:
                raise ObsError(
                    REFUSALS.get(refusal[1], "InvalidRequest"), refusal[2], {"Connection": "close"}
                )
            request = request_from(environ)
            dialect = request.dialect
            reply = self.answer(request)
        except ObsError as error:
            reply = refused(error, environ, request_id)
        except HangUp:
            raise
        except Exception as error:
            # Without the query, in which a link has its signature.
            path = (environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")[0]
            log.exception("%s %s failed", method, path)
            if self._report is not None:
                self._report(f"OBS {method} {path}: {type(error).__name__}: {error}")
            reply = refused(ObsError("InternalError"), environ, request_id)
        start_response(status_line(reply.status), headers_to_send(reply, method, dialect, request_id))
        if method == "HEAD" or reply.status in (204, 304):
            if hasattr(reply.pieces, "close"):
                reply.pieces.close()
            return [b""]
        return [reply.body] if reply.pieces is None else reply.pieces

    def answer(self, request: ObsRequest) -> Reply:
        """What OBS answers to a request. Raises ObsError."""
        if request.method == "HEAD" and "apiversion" in request.query:
            return Reply(200, b"", {"x-obs-api": API_VERSION})
        if request.method == "POST" and request.bucket and not request.key and "delete" not in request.query:
            return self.answer_form(request)
        tag = self.admitted(request)
        fault = self._fault_of(tag, request)
        if fault is None:
            return self.worlds.of(tag).perform(request)
        suffer_before(fault)
        return suffer_after(fault, self.worlds.of(tag).perform(request))

    def admitted(self, request: ObsRequest) -> str:
        """The tag of the world a request goes to, once its credential has been checked; sets its moment."""
        credential = credential_of(request)
        if credential is None:
            return self.strangers_world(request)
        key = key_of(credential, self._find_key)
        if key is None and self.auth == "strict":
            refuse_unknown_key(credential)
        tag = self.default if key is None else key.world_tag
        request.moment = self.now(tag)
        if self.auth != "off":
            if key is not None:
                refuse_wrong_signature(request, credential, key)
            refuse_expired(credential, request.moment)
            if self.auth == "strict" and credential.expires is None:
                refuse_skew(request)
        return tag

    def strangers_world(self, request: ObsRequest) -> str:
        """The world an anonymous request goes to: the one in which the bucket is public, else the default one."""
        request.anonymous = self.auth != "off"
        public = self.worlds.with_open(request.bucket, request.key)
        tag = public[0] if len(public) == 1 else self.default
        request.moment = self.now(tag)
        return tag

    def answer_form(self, request: ObsRequest) -> Reply:
        """What OBS answers to a browser's form."""
        fields, content, file_name = forms.fields_of(request)
        upload = forms.upload_of(request, fields, content, file_name)
        credential = forms.credential_of_form(fields)
        if credential is None:
            tag = self.strangers_world(upload)
        else:
            key = key_of(credential, self._find_key)
            if key is None and self.auth == "strict":
                refuse_unknown_key(credential)
            tag = self.default if key is None else key.world_tag
            upload.moment = request.moment = self.now(tag)
            if self.auth != "off":
                refuse_wrong_form(request, fields, content, credential, key)
        return form_reply(request, upload, fields, self.worlds.of(tag).perform(upload))


def form_reply(request: ObsRequest, upload: ObsRequest, fields: dict, stored: Reply) -> Reply:
    """What a browser reads after its form: a redirection, or the status it asked for."""
    etag = stored.headers["ETag"]
    where = f"{request.base_url}/{quote(upload.key)}"
    target = fields.get("success_action_redirect") or fields.get("redirect") or ""
    if target.startswith(("http://", "https://")) and "\n" not in target and "\r" not in target:
        sign = "&" if "?" in target else "?"
        stored.headers["Location"] = (
            f"{target}{sign}bucket={upload.bucket}&key={quote(upload.key, '')}&etag={quote(etag, '')}"
        )
        stored.status = 303
        return stored
    stored.headers["Location"] = where
    status = fields.get("success_action_status")
    if status == "201":
        parts = {"Location": where, "Bucket": upload.bucket, "Key": upload.key, "ETag": etag}
        reply = xml_reply(
            request, "PostResponse", *(element(tag, text) for tag, text in parts.items()), status=201
        )
        reply.headers |= stored.headers
        return reply
    stored.status = 200 if status == "200" else 204
    return stored


def refused(error: ObsError, environ: dict, request_id: str) -> Reply:
    """The answer that tells a refusal."""
    resource = environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace")
    body = error_document(error, resource[:1100], request_id)
    return Reply(error.status, body, {"Content-Type": "application/xml"} | error.headers, error.extension)


def status_line(status: int) -> str:
    """200 OK"""
    return f"{status} {HTTPStatus(status).phrase}"


def headers_to_send(reply: Reply, method: str, dialect: str, request_id: str) -> list[tuple[str, str]]:
    """All headers of an answer."""
    found = reply.header_list(dialect)
    found.append((header_name("request-id", dialect), request_id))
    found.append((header_name("id-2", dialect), host_id(request_id)))
    found.append(("Server", "OBS"))
    if reply.status not in (204, 304):
        refused_head = method == "HEAD" and reply.status >= 400
        length = 0 if refused_head else len(reply.body) if reply.length is None else reply.length
        found.append(("Content-Length", str(length)))
    return found
