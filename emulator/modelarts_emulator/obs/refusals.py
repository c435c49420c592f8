"""What OBS refuses with: its codes, their statuses and words, and the XML they are told in."""

from http import HTTPStatus

from modelarts_emulator.contract.errors import documented_errors
from modelarts_emulator.obs.xml import document, element

CODES = {
    "AccessDenied": (403, "Access Denied"),
    "AccessForbidden": (403, "No CORS configuration exists for the bucket or the CORS rule does not match."),
    "BadDigest": (400, "The specified value of Content-MD5 does not match the value received by OBS."),
    "BadRequest": (400, "Invalid request parameters."),
    "BucketAlreadyOwnedByYou": (409, "You already own a bucket of that name."),
    "BucketNotEmpty": (409, "The bucket that you tried to delete is not empty."),
    "EntityTooLarge": (400, "The size of what is uploaded exceeds the maximum allowed size."),
    "EntityTooSmall": (400, "The size of what is uploaded is smaller than the minimum allowed size."),
    "FsObjectConflict": (409, "The new name has already been used."),
    "IncompleteBody": (400, "No complete request body is received."),
    "IncorrectNumberOfFilesInPostRequest": (400, "Each POST request must contain one file to be uploaded."),
    "InsufficientStorageSpace": (403, "Insufficient storage space."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "InvalidAccessKeyId": (403, "The OBS Access Key Id you provided does not exist in our records."),
    "InvalidArgument": (400, "Invalid Argument"),
    "InvalidBucketName": (400, "The specified bucket is not valid."),
    "InvalidBucketState": (409, "The request is not valid with the current state of the bucket."),
    "InvalidContentLength": (400, "Invalid Content-Length value."),
    "InvalidDefaultStorageClass": (400, "The default storage class is invalid."),
    "InvalidEncryptionAlgorithmError": (400, "The encryption headers do not fit the object."),
    "InvalidLocationConstraint": (400, "The specified location constraint is not valid."),
    "InvalidObjectState": (403, "The operation is not valid for the object's storage class."),
    "InvalidPart": (400, "One or more of the specified parts could not be found."),
    "InvalidPartOrder": (400, "The list of parts was not in ascending order."),
    "InvalidPolicyDocument": (400, "The content of the form does not meet the conditions of the policy."),
    "InvalidRange": (416, "The requested range cannot be satisfied."),
    "InvalidRequest": (400, "Invalid Request"),
    "InvalidTag": (400, "The provided tag was invalid."),
    "InvalidTargetBucketForLogging": (400, "The target bucket for logging does not exist."),
    "InvalidURI": (400, "Couldn't parse the specified URI."),
    "KeyTooLongError": (400, "Your key is too long."),
    "MalformedACLError": (400, "The XML you provided was not well-formed or does not describe an ACL."),
    "MalformedPolicy": (400, "The bucket policy is no valid policy."),
    "MalformedQuotaError": (400, "The Quota XML format is incorrect."),
    "MalformedXML": (400, "The XML you provided was not well-formed or did not validate."),
    "MetadataTooLarge": (400, "Your metadata headers exceed the maximum allowed metadata size."),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "MissingContentLength": (411, "You must provide the Content-Length HTTP header."),
    "MissingRequestBodyError": (400, "The request needs a body and has none."),
    "NoSuchBucket": (404, "The specified bucket does not exist."),
    "NoSuchBucketPolicy": (404, "The specified bucket does not have a bucket policy."),
    "NoSuchCORSConfiguration": (404, "The CORS configuration does not exist."),
    "NoSuchEncryptionConfiguration": (404, "The encryption configuration does not exist."),
    "NoSuchInventoryConfiguration": (404, "The inventory configuration does not exist."),
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchLifecycleConfiguration": (404, "The lifecycle configuration does not exist."),
    "NoSuchPublicAccessBlockConfiguration": (404, "The public access block configuration does not exist."),
    "NoSuchReplicationConfiguration": (404, "The replication configuration does not exist."),
    "NoSuchTagSet": (404, "The TagSet does not exist."),
    "NoSuchUpload": (404, "The specified multipart upload does not exist."),
    "NoSuchVersion": (404, "The specified version does not exist."),
    "NoSuchWebsiteConfiguration": (404, "The specified bucket does not have a website configuration."),
    "ObjectHasAlreadyRestored": (409, "The restoration period of a restored object cannot be shortened."),
    "ObjectNotAppendable": (409, "The object is not appendable."),
    "PositionNotEqualToLength": (409, "Position is not equal to file length"),
    "PreconditionFailed": (412, "At least one of the pre-conditions you specified did not hold."),
    "RequestTimeTooSkewed": (
        403,
        "The difference between the request time and the server's time is too large.",
    ),
    "ServiceNotImplemented": (501, "The requested function is not emulated."),
    "ServiceUnavailable": (503, "Please reduce your request rate."),
    "SignatureDoesNotMatch": (403, "The signature we calculated does not match the one you provided."),
}


def status_and_words(code: str) -> tuple[int, str]:
    """What a code is told with: one that OBS here never answers by itself has what is documented of it, and the words
    of its status where no words are. KeyError when it is no code of OBS.
    """
    if code in CODES:
        return CODES[code]
    facts = documented_errors()[code]
    if facts["service"] != "obs":
        raise KeyError(code)
    return facts["status"], facts["message"] or HTTPStatus(facts["status"]).phrase


class ObsError(Exception):
    """A refusal with one of OBS's codes; KeyError when the code is none of them.

    detail: what was asked, what is the case and what would have been right. headers: further headers of the answer.
    extension: those that take the prefix of the client's dialect.
    """

    def __init__(
        self, code: str, detail: str = "", headers: dict | None = None, extension: dict | None = None
    ):
        self.code = code
        self.status, words = status_and_words(code)
        self.message = f"{words} ({detail})" if detail else words
        self.headers = headers or {}
        self.extension = extension or {}
        super().__init__(f"{self.status} {code}: {self.message}")


class StateUnavailable(ObsError):
    """ServiceUnavailable in words of our own: a disk or a journal is in the way, and whoever asks can mend that."""

    def __init__(self, words: str):
        super().__init__("ServiceUnavailable")
        self.message = words
        self.args = (words,)


def error_document(error: ObsError, resource: str, request_id: str) -> bytes:
    """The XML in which OBS tells a refusal."""
    return document(
        "Error",
        element("Code", error.code),
        element("Message", error.message),
        element("Resource", resource),
        element("RequestId", request_id),
        element("HostId", host_id(request_id)),
    )


def host_id(request_id: str) -> str:
    """The x-obs-id-2 that goes with a request id."""
    return f"32AAAQAAEAABAAAQAAEAABAAAQAAEAABCS{request_id[-16:]}"
