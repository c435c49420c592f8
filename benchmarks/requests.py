"""What the benchmarks send: a realistic training job of about 3 KB, and its like for moto's SageMaker."""

import itertools
import json

from benchmarks.load import request_bytes

ENVIRONMENTS = {f"HYPER_SETTING_{number}": f"value-of-the-setting-{number}" for number in range(20)}
PARAMETERS = [{"name": f"hyperparameter_{number}", "value": str(number * 0.125)} for number in range(24)]
TRAINING_JOB = {
    "kind": "job",
    "metadata": {"name": "bench"},
    "algorithm": {
        "code_dir": "/bench/code/",
        "boot_file": "/bench/code/train.py",
        "engine": {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"},
        "environments": ENVIRONMENTS,
        "parameters": PARAMETERS,
    },
    "spec": {
        "resource": {"flavor_id": "modelarts.vm.cpu.8u", "node_count": 1},
        "log_export_path": {"obs_url": "/bench/log/"},
    },
}


class SageMaker:
    """The same three requests to moto's SageMaker."""

    def __init__(self, port: int):
        self.host = f"127.0.0.1:{port}"
        self.numbers = itertools.count()

    def _request(self, action: str, body: dict) -> bytes:
        credential = "AKIDEXAMPLE/20260101/us-east-1/sagemaker/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"SageMaker.{action}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
        }
        return request_bytes("POST", "/", self.host, headers, json.dumps(body).encode())

    def create(self) -> bytes:
        """The next create request, of about 3 KB."""
        return self._request(
            "CreateTrainingJob",
            {
                "TrainingJobName": f"bench-{next(self.numbers)}",
                "AlgorithmSpecification": {"TrainingImage": "bench:1", "TrainingInputMode": "File"},
                "RoleArn": "arn:aws:iam::123456789012:role/bench",
                "OutputDataConfig": {"S3OutputPath": "s3://bench/output"},
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
                "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
                "Environment": ENVIRONMENTS,
                "HyperParameters": {row["name"]: row["value"] for row in PARAMETERS},
            },
        )

    def describe(self) -> bytes:
        """A request that shows the first job."""
        return self._request("DescribeTrainingJob", {"TrainingJobName": "bench-0"})

    def page(self) -> bytes:
        """A request that lists ten jobs."""
        return self._request("ListTrainingJobs", {"MaxResults": 10})
