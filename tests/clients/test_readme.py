"""What the README tells to do with the official Python SDK."""

import re
from pathlib import Path

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_first_python_block_lists_training_jobs(name, modelarts_environment, capsys):
    block = re.search(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)[1]
    exec(block, {})
    assert '"total": 0' in capsys.readouterr().out
