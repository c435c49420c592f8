"""Objects put and read over 16 connections, ours and moto's S3 in turn; what a gigabyte in parts leaves in memory."""

from collections.abc import Callable
from itertools import cycle
from tempfile import TemporaryDirectory
from time import perf_counter
from urllib.parse import urlsplit

from benchmarks import processes
from benchmarks.load import request_bytes, run

SIZES = {"4 KB": 4 << 10, "1 MB": 1 << 20}
PART, PARTS = 16 << 20, 64
KEYS = 64


def client_of(url: str, access_key: str, secret_key: str):
    """An S3 client of boto3 for an address."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"),
    )


def signed(client, method: str, key: str, body: bytes = b"") -> bytes:
    """A request that puts or reads an object, signed in its address."""
    name = "put_object" if method == "PUT" else "get_object"
    url = urlsplit(client.generate_presigned_url(name, {"Bucket": "bench", "Key": key}, ExpiresIn=3600))
    headers = {} if method == "GET" else {"Content-Type": "binary/octet-stream"}
    return request_bytes(method, f"{url.path}?{url.query}", url.netloc, headers, body)


def figures(client, seconds: float) -> dict[tuple[str, str], dict]:
    """{(what, size): figures of load.run}."""
    client.create_bucket(Bucket="bench")
    url, found = urlsplit(client.meta.endpoint_url), {}
    for size, length in SIZES.items():
        for method in ("PUT", "GET"):
            requests = cycle([signed(client, method, f"{size}/{n}", b"x" * length) for n in range(KEYS)])
            if method == "GET":
                requests = cycle([signed(client, method, f"{size}/{n}") for n in range(KEYS)])
            found[method, size] = run(url.hostname, url.port, requests.__next__, seconds)
    return found


def upload_gigabyte(client, resident: Callable[[], float]) -> tuple[float, float]:
    """(seconds, MiB more in memory at the most) of an object of a gigabyte that is sent in parts."""
    before = most = resident()
    start, body = perf_counter(), b"y" * PART
    upload = client.create_multipart_upload(Bucket="bench", Key="large")["UploadId"]
    named = {"Bucket": "bench", "Key": "large", "UploadId": upload}
    parts = []
    for number in range(1, PARTS + 1):
        told = client.upload_part(**named, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": told["ETag"]})
        most = max(most, resident())
    client.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    return perf_counter() - start, max(most, resident()) - before


def measure(seconds: float) -> None:
    """Print the table."""
    from benchmarks.__main__ import control

    with processes.moto_server() as (_, _, port):
        theirs = figures(client_of(f"http://127.0.0.1:{port}", "AKIDEXAMPLE", "secret"), seconds)
    with TemporaryDirectory() as folder, processes.emulator("--state", folder) as (process, _, port):
        told = control(port, "GET", "worlds")["worlds"][0]
        client = client_of(told["obs_endpoint"], told["access_key"], told["secret_key"])
        ours = figures(client, seconds)
        took, more = upload_gigabyte(client, lambda: processes.resident_mib(process))
    print("\n| objects, 16 connections | requests/s | times moto_server | p50 ms | p99 ms |")
    print("|---|---|---|---|---|")
    for (method, size), figure in ours.items():
        print(row(f"{method} of {size}", figure, figure["rate"] / theirs[method, size]["rate"]))
    for (method, size), figure in theirs.items():
        print(row(f"moto_server, {method} of {size}", figure, 1))
    print(f"\n1 GiB in {PARTS} parts: {took:.1f} s, at the most {more:.0f} MiB more in memory")


def row(name: str, figure: dict, ratio: float) -> str:
    """A line of the table."""
    return f"| {name} | {figure['rate']:.0f} | {ratio:.1f} | {figure['p50']:.2f} | {figure['p99']:.2f} |"
