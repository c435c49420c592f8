"""`modelarts-emulator train`: a folder of code run as a job, its log shown, its outputs brought back."""

import pytest
from modelarts_emulator.cli import main

SCRIPT = """
import argparse, pathlib
parser = argparse.ArgumentParser()
for name in ("data_url", "train_url"):
    parser.add_argument(f"--{name}", type=pathlib.Path)
parser.add_argument("--lr", type=float)
asked = parser.parse_args()
text = (asked.data_url / "a.csv").read_text()
(asked.train_url / "model").write_text(f"{asked.lr} {text}")
print("trained on", text)
raise SystemExit(3)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with code and data."""
    for name, text in (("code/run.py", SCRIPT), ("data/a.csv", "1,2"), ("code/.git/config", "x")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_trained_and_its_outputs_come_back(folder, capsys):
    status = main(["train", "code", "--boot-file", "run.py", "--data", "data", "--set", "lr=0.1"])
    told = capsys.readouterr()
    assert status == 3
    assert "\ntrained on 1,2\n" in told.out
    assert told.err.endswith("1 files of train_url are in train-output\n")
    assert (folder / "train-output/model").read_text() == "0.1 1,2"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere is no folder; name the one that holds the code"),
        (["code"], "train.py is not in code; name the script with --boot-file"),
        (["code", "--boot-file", "run.py", "--set", "lr"], "'lr' must be NAME=VALUE"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line(folder, capsys, arguments, words):
    assert main(["train", *arguments]) == 1
    assert capsys.readouterr().err == f"modelarts-emulator: {words}\n"
