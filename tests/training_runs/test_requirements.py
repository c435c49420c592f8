"""The packages that a job asks for: named where they are missing, or installed for the job."""

from zipfile import ZipFile

from modelarts_emulator.training_runs.requirements import lacking


def wheel(path) -> None:
    """A wheel with one module in it."""
    with ZipFile(path, "w") as file:
        file.writestr("greeting.py", "words = 'hello'")
        file.writestr(
            "greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n"
        )
        file.writestr(
            "greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr("greeting-1.0.dist-info/RECORD", "")


def test_what_is_not_there_is_named(tmp_path):
    (tmp_path / "requirements.txt").write_text(
        "# all\nnumpy\nnumpy==0.1\nno-such-thing>=2 # why\n-r other.txt\n"
    )
    assert [line.split("]")[-1].split(" ")[1] for line in lacking(tmp_path)] == [
        "numpy==0.1",
        "no-such-thing>=2",
    ]


def test_a_wheel_beside_the_code_is_installed_for_the_job_alone(ended, tmp_path):
    wheel(tmp_path / "greeting-1.0-py3-none-any.whl")
    content = (tmp_path / "greeting-1.0-py3-none-any.whl").read_bytes().decode("latin-1")
    files = {
        "code/greeting-1.0-py3-none-any.whl": content,
        "code/requirements.txt": "./greeting-1.0-py3-none-any.whl",
    }
    run = ended("import greeting\nprint(greeting.words)", files=files, installs=True)
    assert (run.text(0), run.outcome.codes) == ("hello\n", (0,)), run.outcome
    assert run.notes[-1].endswith("Successfully installed greeting-1.0")


def test_what_cannot_be_installed_fails_the_run(ended):
    run = ended("print(1)", files={"code/requirements.txt": "./nothing-1.0-py3-none-any.whl"}, installs=True)
    assert (run.outcome.codes, run.outcome.why[:38]) == ((), "pip install -r requirements.txt failed")
