"""Objects that grow, and the files of parallel file systems: append, modify, truncate, rename."""

from modelarts_emulator.obs.bodies import Sent
from modelarts_emulator.obs.contents import MOST_IN_MEMORY
from modelarts_emulator.obs.names import refuse_key
from modelarts_emulator.obs.reading import found_object
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply
from modelarts_emulator.obs.writing import new_object, refuse_over_quota, stored_reply
from modelarts_emulator.waiting import refuse_to_wait

LONGEST_APPENDED = 5 << 30
MOST_ZEROS = 64 << 20


def append_object(request) -> Reply:
    """Lengthen an appendable object at its end; at position 0 a new one begins."""
    bucket = request.find_bucket()
    refuse_key(request.key)
    text = request.query.get("position") or ""
    if not (text.isascii() and text.isdecimal()):
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
    item.append(request.content)
    item.moment = request.moment
    bucket.stored += request.content.size
    return item


def modify_object(request) -> Reply:
    """Overwrite a file from a position on; a gap is filled with zeros."""
    bucket = file_system(request)
    refuse_key(request.key)
    position = request.number("position", 0, 0, LONGEST_APPENDED)
    item = bucket.find(request.key)
    length, body = (0 if item is None else item.size), request.content
    refuse_many_zeros(position - length)
    if position + body.size > LONGEST_APPENDED:
        raise ObsError("EntityTooLarge", f"an object is at most {LONGEST_APPENDED} bytes")
    refuse_over_quota(bucket, max(0, position + body.size - length))
    content = joined(part_of(item, 0, position), body, part_of(item, position + body.size, length))
    leave_to_thread(content)
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
    content = part_of(item, 0, length)
    leave_to_thread(content)
    rewrite(bucket, item, content, request.moment)
    return Reply(204)


def part_of(item, start: int, end: int) -> Sent:
    """The bytes of a file, which may not be there yet, from start to end; zeros where it has none."""
    length = 0 if item is None else item.size
    there, zeros = max(0, min(end, length) - start), max(0, end - max(start, length))

    def pieces():
        if there:
            yield from item.pieces(start, start + there)
        if zeros:
            yield bytes(zeros)

    return Sent(there + zeros, pieces)


def joined(*parts: Sent) -> Sent:
    """Contents one behind the other."""
    return Sent(
        sum(part.size for part in parts), lambda: (piece for part in parts for piece in part.pieces())
    )


def leave_to_thread(content: Sent) -> None:
    """NeedsThread where one must not wait and so much is written anew, however little the request carries."""
    if content.size > MOST_IN_MEMORY:
        refuse_to_wait()


def refuse_many_zeros(count: int) -> None:
    """InvalidArgument when so many zeros at once would be more than memory is for."""
    if count > MOST_ZEROS:
        raise ObsError(
            "InvalidArgument", f"the emulator fills at most {MOST_ZEROS} bytes with zeros, not {count}"
        )


def rewrite(bucket, item, content: Sent, moment: float) -> None:
    """Replace a file's content."""
    bucket.stored += content.size - item.size
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
    bucket = request.find_bucket()
    if not bucket.is_file_system:
        raise ObsError("MethodNotAllowed", "modify, truncate and rename are for parallel file systems only")
    return bucket
