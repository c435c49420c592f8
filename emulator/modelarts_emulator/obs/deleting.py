"""Objects, deleted: one, one version, many at once."""

from urllib.parse import quote_plus, unquote_plus

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply, xml_reply
from modelarts_emulator.obs.writing import read_document


def delete_object(request) -> Reply:
    """Delete an object or one version of it; that there is none is no error."""
    bucket = request.find_bucket()
    version_id = request.query.get("versionid") or None
    return Reply(204, b"", {}, deletion(request, bucket, request.key, version_id))


def deletion(request, bucket, key: str, version_id: str | None) -> dict:
    """Delete, and what tells of it: the version gone or the marker left."""
    if version_id is None:
        marker = request.storage.delete(bucket, key, request.moment)
        return {} if marker is None else {"delete-marker": "true", "version-id": marker.version_id}
    gone = request.storage.delete_version(bucket, key, version_id)
    if gone is None:
        return {}
    return {"version-id": gone.version_id} | ({"delete-marker": "true"} if gone.is_marker else {})


def delete_objects(request) -> Reply:
    """Delete up to 1000 objects, each with a result of its own."""
    bucket = request.find_bucket()
    tree = read_document(request, "Delete")
    rows = [(xml.text_of(node, "Key"), xml.text_of(node, "VersionId")) for node in tree.findall("Object")]
    keys = [node.text or "" for node in tree.findall("Object/Key")]
    if not 0 < len(rows) <= 1000 or len(keys) != len(rows):
        raise ObsError("MalformedXML", "1 to 1000 Object elements with a Key are needed")
    encoded = xml.text_of(tree, "EncodingType") == "url"
    quiet = xml.text_of(tree, "Quiet") == "true"
    results = [xml.element("EncodingType", "url")] if encoded else []
    keys = [unquote_plus(key) for key in keys] if encoded else keys
    if not any(version_id for _, version_id in rows):
        request.notes["deleted"] = keys
    for key, (_, version_id) in zip(keys, rows, strict=True):
        told = deletion(request, bucket, key, version_id or None)
        if not quiet:
            shown = quote_plus(key) if encoded else key
            results.append(xml.element("Deleted", deleted_elements(shown, version_id, told)))
    return xml_reply(request, "DeleteResult", *results)


def deleted_elements(key: str, version_id: str | None, told: dict) -> list[str]:
    """One object's row in the answer to a deletion of many."""
    marked = "delete-marker" in told
    return [
        xml.element("Key", key),
        xml.optional("VersionId", version_id),
        xml.element("DeleteMarker", True) if marked else "",
        xml.element("DeleteMarkerVersionId", told["version-id"]) if marked else "",
    ]
