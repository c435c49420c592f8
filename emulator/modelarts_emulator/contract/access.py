"""Who may call an operation, and with which codes other credentials are refused: security and x-refusals."""

from typing import Any, Literal, NamedTuple

from modelarts_emulator.contract.errors import error_facts

InBody = Literal["identity", "id_token"]

# How a client sends each of the credentials that `security` names.
SENT_AS = {
    "token": "X-Auth-Token",
    "signature": "Authorization: SDK-HMAC-SHA256 with X-Sdk-Date",
    "app_code": "X-Apig-AppCode",
    "api_key": "Authorization: Bearer <API key>",
}
KINDS = {
    "missing", "bad_signature", "bad_app_signature", "unknown_token", "expired_token", "account_token",
    "bad_app_code", "bad_api_key", "wrong_password", "foreign_project", "unfilled_project", "forbidden",
}  # fmt: skip
# Tokens and signatures are looked at wherever they are sent, also where none is asked for.
ALWAYS = {"missing", "bad_signature", "unknown_token", "expired_token", "account_token"}
PROJECT = {"foreign_project", "unfilled_project"}


class BadAccess(ValueError):
    """A security or x-refusals that says what nothing reads, or leaves open how a credential is refused."""


class Refusal(NamedTuple):
    """The code and the status with which a credential is refused."""

    code: str
    status: int


class Access(NamedTuple):
    """Who may call: which credentials count, and how others are refused.

    credentials: the keys of SENT_AS that count; none where everybody may call. in_body: the body is the credential:
    "identity" is auth.identity with its methods, "id_token" the token of an identity provider. refusals: {what is
    wrong: how it is refused}.
    """

    name: str
    credentials: tuple[str, ...]
    in_body: InBody | None
    refusals: dict[str, Refusal]

    @property
    def is_open(self) -> bool:
        """Whether a request without any credential is served."""
        return not self.credentials and self.in_body is None

    @property
    def token(self) -> bool:
        """Whether a token counts."""
        return "token" in self.credentials

    @property
    def only_api_key(self) -> bool:
        """Whether nothing but an API key counts: a token beside it is not looked at."""
        return self.credentials == ("api_key",)

    @property
    def app_code(self) -> bool:
        """Whether an app code counts."""
        return "app_code" in self.credentials

    @property
    def api_key(self) -> bool:
        """Whether an API key counts."""
        return "api_key" in self.credentials

    @property
    def of_project(self) -> bool:
        """Whether a project in the path is the one that is worked in; else it only names what is asked for."""
        return "foreign_project" in self.refusals


def read_access(document: dict[str, Any], definition: dict[str, Any]) -> Access:
    """Who may call an operation of the document."""
    security = definition.get("security", document.get("security", ()))
    sent = document.get("x-refusals", {}) | definition.get("x-refusals", {})
    return Access(
        definition["operationId"],
        tuple(name for each in security for name in each),
        definition.get("x-credential-in-body"),
        {kind: Refusal(each["code"], each["status"]) for kind, each in sent.items()},
    )


def refuse_gaps(access: Access) -> None:
    """BadAccess when a credential is unknown or nothing says how a wrong one is refused; KeyError for a code which is
    not documented.
    """
    unknown = [name for name in access.credentials if name not in SENT_AS]
    unknown += [kind for kind in access.refusals if kind not in KINDS]
    if unknown or access.in_body not in (None, "identity", "id_token"):
        raise BadAccess(f"unknown {', '.join(unknown) or access.in_body}")
    needed = set(ALWAYS)
    needed |= {"bad_app_code"} if access.app_code else set()
    needed |= {"bad_api_key"} if access.api_key else set()
    needed |= {"wrong_password"} if access.in_body == "identity" else set()
    needed |= PROJECT if PROJECT & access.refusals.keys() else set()
    missing = sorted(needed - access.refusals.keys())
    if missing:
        raise BadAccess(f"no refusal for {', '.join(missing)}")
    for refusal in access.refusals.values():
        error_facts(refusal.code)
