"""Memory: what is deleted or overwritten is let go, and moto remembers nothing of ours."""

import gc
import weakref

from tests.obs.conftest import Direct


def tracked_by_moto():
    """How many instances moto's S3 models remember, by class."""
    from moto.core.model_instances import model_data

    return {
        name: len(model.instances_tracked)
        for service in ("s3", "obs")
        for name, model in model_data[service].items()
    }


def churn(direct):
    """Objects made, overwritten, copied, versioned, uploaded in parts and deleted."""
    direct.send("PUT", "/data")
    for number in range(20):
        direct.send("PUT", f"/data/{number}", b"x" * 100)
        direct.send("PUT", f"/data/{number}", b"y" * 100)
        direct.send("PUT", "/data/copy", headers={"x-obs-copy-source": f"/data/{number}"})
        direct.send("POST", f"/data/{number}?append&position=0", b"z")
        text = direct.send("POST", "/data/big?uploads").body.decode()
        upload = text.partition("<UploadId>")[2].partition("<")[0]
        direct.send("PUT", f"/data/big?partNumber=1&uploadId={upload}", b"x")
        direct.send("DELETE", f"/data/big?uploadId={upload}")
    status = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    direct.send("PUT", "/data?versioning", status)
    direct.send("DELETE", "/data/1")


def test_moto_remembers_none_of_our_objects():
    direct = Direct(auth="off")
    direct.send("PUT", "/first")
    before = tracked_by_moto()
    churn(direct)
    assert tracked_by_moto() == before
    assert direct.obs.reset() == 21
    assert tracked_by_moto() == before


def test_an_overwritten_object_is_let_go():
    direct = Direct(auth="off")
    direct.send("PUT", "/data")
    direct.send("PUT", "/data/a", b"x")
    item = weakref.ref(direct.obs.worlds.of("DEFAU").storage.buckets["data"].find("a"))
    direct.send("PUT", "/data/a", b"y")
    gc.collect()
    assert item() is None


def test_what_others_do_with_moto_in_the_same_process_is_left_alone():
    import boto3
    from moto import mock_aws

    direct = Direct(auth="off")
    direct.send("PUT", "/data")
    direct.send("PUT", "/data/a", b"ours")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="data")
        client.put_object(Bucket="data", Key="a", Body=b"theirs")
        direct.send("PUT", "/new")
        direct.send("DELETE", "/new")
        assert client.get_object(Bucket="data", Key="a")["Body"].read() == b"theirs"
        direct.send("PUT", "/data/a", b"ours still")
        assert direct.send("GET", "/data/a").body == b"ours still"
    assert direct.send("GET", "/data/a").body == b"ours still"
