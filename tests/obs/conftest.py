"""OBS without a socket: an Obs over two known keys, requests as WSGI environments, and all that is stored as values."""

import base64
import hashlib
import hmac
import io
import re
from email.utils import formatdate

from modelarts_emulator.obs.application import Obs
from modelarts_emulator.obs.callers import Key
from modelarts_emulator.real_time import wall_now

KEYS = {
    "AKONE": Key("secret-one", "WONEA", "account-one"),
    "AKTWO": Key("secret-two", "WTWOA", "account-two"),
    "AKDEF": Key("secret-default", "DEFAU", "account-default"),
}


class Answer:
    """Status, headers by lower-case name, body."""

    def __init__(self, status, headers, body):
        self.status = int(status[:3])
        self.headers = {name.lower(): value for name, value in headers}
        assert not any(re.search("[\r\n]", value) for _, value in headers)
        self.body = body

    @property
    def code(self):
        """The code in an error's XML; "" when the answer is no error."""
        text = self.body.decode("utf-8", "replace")
        return text.partition("<Code>")[2].partition("</Code>")[0]

    def __repr__(self):
        return f"<{self.status} {self.code or self.body[:80]!r}>"


class Direct:
    """An Obs and the virtual time of its worlds, which stands still."""

    def __init__(self, auth="presence", state_dir=None):
        self.now = 1_800_000_000.0
        self.failures = []
        self.obs = Obs(
            self.find_key,
            "cn-north-4",
            now_of=lambda tag: self.now,
            state_dir=state_dir,
            auth=auth,
            default="DEFAU",
            report=self.failures.append,
        )

    def find_key(self, access_key, security_token):
        """The key; one called EXPIRED has been good once."""
        if access_key == "EXPIRED":
            raise ValueError("expired")
        return KEYS.get(access_key)

    def send(self, method, target, body=b"", headers=None, raw_headers=None) -> Answer:
        """One request with just these headers."""
        path, _, query = target.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "RAW_URI": target,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            "HTTP_HOST": "127.0.0.1:7879",
        }
        for name, value in (headers or {}).items():
            name = name.upper().replace("-", "_")
            environ[name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"] = value
        if raw_headers is not None:
            length = [(b"Content-Length", str(len(body)).encode())]
            environ["emulator.headers"] = [*length, (b"Host", b"127.0.0.1:7879"), *raw_headers]
        return self.run(environ)

    def run(self, environ) -> Answer:
        """What the callable answers to an environment."""
        told = []
        parts = self.obs(environ, lambda status, headers: told.extend((status, headers)))
        return Answer(told[0], told[1], b"".join(parts))

    def signed(self, method, target, body=b"", headers=None, access_key="AKONE", secret=None, date=None):
        """One request, signed as OBS documents it."""
        headers = dict(headers or {}) | {"date": date or formatdate(wall_now(), usegmt=True)}
        secret = KEYS[access_key].secret if secret is None else secret
        signature = sign(secret, method, target, headers)
        return self.send(method, target, body, headers | {"authorization": f"OBS {access_key}:{signature}"})


def sign(secret, method, target, headers):
    """The signature of a request whose query is one sub-resource or none."""
    lines = [method, headers.get("content-md5", ""), headers.get("content-type", ""), headers["date"]]
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-obs-")]
    text = "\n".join([*lines, target])
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


def stored(obs, tag="DEFAU"):
    """All that a world holds, as plain values."""
    storage = obs.worlds.of(tag).storage
    return {name: bucket_values(bucket) for name, bucket in storage.buckets.items()}


def bucket_values(bucket):
    """All that a bucket holds."""
    return {
        "facts": (bucket.location, bucket.moment, bucket.storage_class, bucket.quota, bucket.payer),
        "kind": (bucket.is_file_system, bucket.versioning_status, bucket.policy),
        "grants": list(bucket.grants),
        "documents": dict(bucket.documents),
        "stored": bucket.stored,
        "names": list(bucket.names),
        "objects": {name: [version_values(item) for item in bucket.versions(name)] for name in bucket.names},
        "uploads": {
            upload.id: (
                upload.key_name,
                upload.moment,
                [(n, upload.parts[n].read()) for n in upload.partlist],
            )
            for upload in bucket.multiparts.values()
        },
    }


def version_values(item):
    """All that a version of an object, or a delete marker, says."""
    if item.is_marker:
        return ("marker", item.version_id, item.moment)
    own = (item.headers, item.own_metadata, item.tags, item.redirect, item.encrypted, item.customer_key_md5)
    facts = (item.appendable, item.part_sizes, item.restored_until, item.expires_days, item.storage_class)
    return (
        item.version_id,
        item.read(),
        item.etag,
        item.moment,
        own,
        facts,
        list(item.grants),
        item.inherits,
    )


def words(text):
    """The words of a text."""
    return text.split()
