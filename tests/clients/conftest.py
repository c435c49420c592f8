"""What the tests with official clients share."""

import socket

import pytest


@pytest.fixture
def client(cloud):
    """The official client of ModelArts."""
    from huaweicloudsdkmodelarts.v1.modelarts_client import ModelArtsClient

    return cloud.sdk(ModelArtsClient)


@pytest.fixture
def names_below_localhost(monkeypatch):
    """*.localhost is the loopback address, which not every resolver knows."""
    resolve = socket.getaddrinfo

    def resolved(host, *arguments, **keywords):
        local = isinstance(host, str) and host.endswith(".localhost")
        return resolve("127.0.0.1" if local else host, *arguments, **keywords)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
