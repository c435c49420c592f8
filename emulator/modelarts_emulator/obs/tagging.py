"""Tags of objects."""

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.configurations import tags_in
from modelarts_emulator.obs.reading import found_object
from modelarts_emulator.obs.replies import Reply, xml_reply
from modelarts_emulator.obs.writing import read_document, refuse_tags, version_header


def show_object_tagging(request) -> Reply:
    """The tags of an object."""
    bucket, item = found_object(request)
    tags = [
        xml.element("Tag", [xml.element("Key", key), xml.element("Value", value)])
        for key, value in item.tags.items()
    ]
    return xml_reply(request, "Tagging", xml.element("TagSet", tags), extension=version_header(bucket, item))


def set_object_tagging(request) -> Reply:
    """Replace the tags of an object."""
    bucket, item = found_object(request)
    tags = tags_in(read_document(request, "Tagging"))
    refuse_tags(tags)
    item.tags = dict(tags)
    return Reply(200, b"", {}, version_header(bucket, item))


def delete_object_tagging(request) -> Reply:
    """Take all tags off an object."""
    bucket, item = found_object(request)
    item.tags = {}
    return Reply(204, b"", {}, version_header(bucket, item))
