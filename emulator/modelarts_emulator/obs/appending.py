"""Objects that grow, and the files of parallel file systems: append, modify, truncate, rename."""

from modelarts_emulator.obs.names import refuse_key
from modelarts_emulator.obs.reading import found_object
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply
from modelarts_emulator.obs.writing import new_object, refuse_over_quota, stored_reply

LONGEST_APPENDED = 5 << 30
MOST_ZEROS = 64 << 20


def append_object(request) -> Reply:
    """Lengthen an appendable object at its end; at position 0 a new one begins."""
    bucket = request.storage.bucket(request.bucket, request.moment)
    refuse_key(request.key)
    if not (request.query.get("position") or "").isdecimal():
        raise ObsError("InvalidArgument", "position must be a number of bytes")
    position = request.number("position", 0)
    if bucket.is_file_system or bucket.versioning_status == "Enabled":
        raise ObsError("ObjectNotAppendable", "parallel file systems and buckets with versions do not append")
    item = bucket.find(request.key)
    if item is not None and not item.appendable:
        raise ObsError("ObjectNotAppendable", f"{request.key[:200]} was not made by appending")
    length = 0 if item is None else item.size
    extension = {"next-append-position": length}
    if position != length:
        raise ObsError(
            "PositionNotEqualToLength",
            f"position {position}, the object has {length} bytes",
            extension=extension,
        )
    if length + request.content.size > LONGEST_APPENDED:
        raise ObsError("EntityTooLarge", f"an object is at most {LONGEST_APPENDED} bytes")
    item = lengthened(request, bucket, item)
    reply = stored_reply(request, bucket, item)
    reply.extension["next-append-position"] = item.size
    return reply


def lengthened(request, bucket, item):
    """The object with the body at its end; a new one when there is none."""
    if item is None:
        item = new_object(request, bucket, request.content)
        item.appendable = True
        return request.storage.put(bucket, item)
    refuse_over_quota(bucket, request.content.size)
    item.append(request.body)
    item.moment = request.moment
    bucket.stored += request.content.size
    return item


def modify_object(request) -> Reply:
    """Overwrite a file from a position on; a gap is filled with zeros."""
    bucket = file_system(request)
    refuse_key(request.key)
    position = request.number("position", 0, 0, LONGEST_APPENDED)
    item = bucket.find(request.key)
    before = b"" if item is None else item.read()
    refuse_many_zeros(position - len(before))
    body = request.body
    refuse_over_quota(bucket, max(0, position + len(body) - len(before)))
    content = before[:position].ljust(position, b"\0") + body + before[position + len(body) :]
    if item is None:
        item = request.storage.put(bucket, new_object(request, bucket, content))
    else:
        rewrite(bucket, item, content, request.moment)
    return stored_reply(request, bucket, item)


def truncate_object(request) -> Reply:
    """Cut a file to a length, or fill it with zeros up to it."""
    bucket = file_system(request)
    _, item = found_object(request)
    if "length" not in request.query:
        raise ObsError("InvalidArgument", "length must be a number of bytes")
    length = request.number("length", 0, 0, LONGEST_APPENDED)
    refuse_many_zeros(length - item.size)
    refuse_over_quota(bucket, max(0, length - item.size))
    rewrite(bucket, item, item.read(0, min(length, item.size)).ljust(length, b"\0"), request.moment)
    return Reply(204)


def refuse_many_zeros(count: int) -> None:
    """InvalidArgument when so many zeros at once would be more than memory is for."""
    if count > MOST_ZEROS:
        raise ObsError(
            "InvalidArgument", f"the emulator fills at most {MOST_ZEROS} bytes with zeros, not {count}"
        )


def rewrite(bucket, item, content: bytes, moment: float) -> None:
    """Replace a file's content."""
    bucket.stored += len(content) - item.size
    item.rewrite(content)
    item.moment = moment


def rename_object(request) -> Reply:
    """Give a file, or a directory with all in it, another name."""
    bucket = file_system(request)
    target = (request.query.get("name") or "").lstrip("/")
    if not target:
        raise ObsError("InvalidArgument", "name must be the new name of the object")
    is_directory = request.key.endswith("/")
    target = target.rstrip("/") + "/" if is_directory else target
    moved = [
        name
        for name in bucket.names
        if name == request.key or (is_directory and name.startswith(request.key))
    ]
    if not moved:
        raise ObsError("NoSuchKey", request.key[:200])
    new_names = {name: target + name[len(request.key) :] for name in moved}
    if (target.startswith(request.key) and is_directory) or any(
        bucket.find(new) for new in new_names.values()
    ):
        raise ObsError(
            "FsObjectConflict", f"{target[:200]} is there already, or lies in what is to be renamed"
        )
    for new in new_names.values():
        refuse_key(new)
    for name, new in new_names.items():
        bucket.rename(name, new)
    return Reply(204)


def file_system(request):
    """The bucket, which must be a parallel file system. MethodNotAllowed when it is an ordinary one."""
    bucket = request.storage.bucket(request.bucket, request.moment)
    if not bucket.is_file_system:
        raise ObsError("MethodNotAllowed", "modify, truncate and rename are for parallel file systems only")
    return bucket
