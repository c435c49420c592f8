"""What the tests share: a client of the emulator's account, and a script to train with."""

import pytest
from huaweicloudsdkmodelarts.v1.modelarts_client import ModelArtsClient

CODE, BOOT_FILE = "/code/", "/code/train.py"


@pytest.fixture
def client(modelarts_cloud):
    """The official client, pointed at a fresh account."""
    return modelarts_cloud.sdk(ModelArtsClient)


@pytest.fixture
def pause(modelarts_cloud):
    """Waiting that costs nothing: the clock of the account moves on."""
    return modelarts_cloud.clock.advance
