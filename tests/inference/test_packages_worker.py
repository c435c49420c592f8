"""A model package in its own process: right answers, and harm that stays there."""

import json
import os
import platform
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest
from modelarts_emulator.inference.packages.config import parse_config
from modelarts_emulator.inference.packages.worker import Limits, ModelWorker, PredictionTimeout, WorkerDown

SKLEARN = '{"model_type": "Scikit_Learn", "model_algorithm": "predict_analysis"}'
ECHO = """
    from model_service.python_model_service import XgSklServingBaseService

    class Echo(XgSklServingBaseService):
        def _preprocess(self, data):
            return data
        def _inference(self, data):
            return data
        def _postprocess(self, data):
            return data
"""
HOOK = """
    import os, signal, sys, time
    from model_service.python_model_service import XgSklServingBaseService

    class Hostile(XgSklServingBaseService):
        def inference(self, data):
            {hook}
"""
LINUX = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
JSON = {"Content-Type": "application/json"}


def package(folder: Path, code: str, engine: str = "Scikit_Learn", **files: str) -> Path:
    """A model folder with this customize_service.py."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(
        json.dumps({"model_type": engine, "model_algorithm": "predict_analysis"})
    )
    (folder / "customize_service.py").write_text(dedent(code))
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text))
    return folder


@pytest.fixture
def begin(tmp_path):
    """begin(code) starts a worker on a package with this customize_service.py; all are stopped in the end."""
    workers = []

    def started(code, engine="Scikit_Learn", limits=Limits(), env=None, namespaces=True, **files: str):
        folder = package(tmp_path / f"model{len(workers)}", code, engine, **files)
        config = parse_config((folder / "config.json").read_text())
        workers.append(ModelWorker(folder, config, engine, env, limits, namespaces=namespaces))
        workers[-1].start()
        workers[-1].wait_started(30)
        return workers[-1]

    yield started
    for worker in workers:
        worker.stop()


def ask(worker: ModelWorker, body="{}", timeout=20):
    return worker.predict("/", "POST", JSON, body.encode(), timeout)


def hook(statement: str) -> str:
    return HOOK.format(hook=statement)


IMAGE = """
    import os
    import tempfile
    from pathlib import Path

    import log
    from metric.metrics_manager import MetricsManager
    from model_service.model_service import SingleNodeService

    from model.beside import WORDS

    logger = log.getLogger(__name__)

    class Service(SingleNodeService):
        def __init__(self, model_name, model_path):
            super().__init__(model_name, model_path)
            logger.info("made")

        def _inference(self, data):
            if self.model_name + "_LatencyInference" in MetricsManager.metrics:
                MetricsManager.metrics[self.model_name + "_LatencyInference"].update(1)
            Path("/home/mind/model/written.txt").write_text("kept")
            Path("/tmp/mine.txt").write_text("mine")
            with open("model/written.txt") as file:
                return {
                    "read": file.read(),
                    "listed": "written.txt" in os.listdir("/home/mind/model"),
                    "here": os.path.samefile(os.getcwd(), "/home/mind"),
                    "scratch": sorted(os.listdir("/tmp")) == sorted(os.listdir(tempfile.gettempdir())),
                    "model_path": os.path.samefile(self.model_path, "/home/mind/model"),
                    "words": WORDS,
                }
"""


@pytest.mark.parametrize("namespaces", [True, False], ids=["namespaces", "none"])
def test_a_package_finds_what_the_serving_image_guarantees(begin, namespaces):
    worker = begin(IMAGE, engine="MindSpore", namespaces=namespaces, beside="WORDS = 'beside'")
    assert worker.failure is None, worker.logs()
    status, _, body = ask(worker)
    assert (status, json.loads(body)) == (
        200,
        {
            "read": "kept",
            "listed": True,
            "here": True,
            "scratch": True,
            "model_path": True,
            "words": "beside",
        },
    )
    assert not Path("/tmp/mine.txt").exists()
    assert "INFO model.customize_service: made" in worker.logs()


def test_a_machine_learning_package_gets_the_request_as_json_text(begin):
    worker = begin(ECHO)
    assert worker.failure is None
    assert ask(worker, '{"a": [1, 2]}') == (200, {"Content-Type": "application/json"}, b'{"a": [1, 2]}')


def test_an_uploaded_file_arrives_under_its_key_and_name(begin):
    worker = begin(
        """
        from model_service.pytorch_model_service import PTServingBaseService

        class Sizes(PTServingBaseService):
            def _inference(self, data):
                return [[k, name, file.read().decode()] for k, v in data.items() for name, file in v.items()]
        """,
        engine="PyTorch",
    )
    body = (
        b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\none\r\ntwo\r\n--x--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert json.loads(worker.predict("/", "POST", headers, body, 20)[2]) == [
        ["images", "a.jpg", "one\r\ntwo"]
    ]


SIZES = """
from model_service.pytorch_model_service import PTServingBaseService

class Sizes(PTServingBaseService):
    def _inference(self, data):
        return [[k, name, file.read().decode()] for k, v in data.items() for name, file in v.items()]
"""


def test_a_form_is_read_however_its_client_writes_it(begin):
    worker = begin(SIZES, engine="PyTorch")
    names = [
        ("form-data; name=images; filename=a.jpg", "a.jpg"),
        ("form-data; name=images; filename*=UTF-8''%E7%8C%AB.jpg", "猫.jpg"),
        ('form-data; name="images"; filename="猫.jpg"', "猫.jpg"),
        ('form-data; name="images"; filename="a b.jpg"; filename*=UTF-8\'\'%E7%8C%AB.jpg', "猫.jpg"),
    ]
    headers = {"content-type": 'Multipart/Form-Data; charset=utf-8; boundary="x y"'}
    for preamble in ("", "\r\n", "whatever a mail client says\r\n"):
        for disposition, name in names:
            body = f"{preamble}--x y\r\nContent-Disposition: {disposition}\r\n\r\none\r\n--x y--\r\n".encode()
            answer = worker.predict("/", "POST", headers, body, 20)
            assert json.loads(answer[2]) == [["images", name, "one"]], (preamble, disposition)


@pytest.mark.parametrize(
    "body",
    [b"", b"one", b"--x\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\none\r\n--x--\r\n"]
    + [b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\none\r\n'],
)
def test_a_form_that_is_cut_off_or_names_nothing_is_refused(begin, body):
    worker = begin(SIZES, engine="PyTorch")
    answer = worker.predict("/", "POST", {"content-type": "multipart/form-data; boundary=x"}, body, 20)
    assert (answer[0], json.loads(answer[2])["erno"]) == (400, "MR.0101")


def test_a_deep_learning_package_gets_json_as_a_dict_and_its_name_and_path(begin):
    worker = begin(
        """
        import log
        from model_service.tfserving_model_service import TfServingBaseService

        class Keys(TfServingBaseService):
            def __init__(self, model_name, model_path):
                super().__init__(model_name, model_path)
                log.getLogger(__name__).info("loaded from %s", model_path)
            def _inference(self, data):
                return {"keys": list(data), "name": self.model_name, "path": self.model_path}
        """,
        engine="TensorFlow",
    )
    shown = json.loads(ask(worker, '{"b": 1, "a": 2}')[2])
    assert (shown["keys"], shown["name"]) == (["b", "a"], "model")
    assert f"loaded from {shown['path']}" in worker.logs()


def test_a_package_imports_the_modules_that_lie_beside_it(begin):
    code = """
        from model_service.python_model_service import XgSklServingBaseService
        from .beside import WORD
        from beside import WORD as SAME

        class Words(XgSklServingBaseService):
            def inference(self, data):
                return [WORD, SAME]
        """
    assert ask(begin(code, beside="WORD = 'here'"))[2] == b'["here", "here"]'


def test_the_environment_of_a_service_reaches_its_code_and_that_of_the_emulator_does_not(begin, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_EMULATOR", "x")
    code = hook("return [os.environ.get('MINE'), os.environ.get('SECRET_OF_THE_EMULATOR')]")
    assert ask(begin(code, env={"MINE": "y"}))[2] == b'["y", null]'


def test_an_api_that_is_not_declared_is_refused(begin):
    worker = begin(ECHO)
    assert worker.predict("/other", "POST", JSON, b"{}", 20)[0] == 404
    assert worker.predict("/", "GET", JSON, b"{}", 20)[0] == 405


def test_a_body_that_is_not_json_is_refused_by_a_deep_learning_engine(begin):
    code = """
        from model_service.tfserving_model_service import TfServingBaseService as Base

        class Any(Base):
            pass
        """
    assert ask(begin(code, engine="TensorFlow"), "{")[0] == 400


def test_an_exception_in_a_hook_fails_one_prediction_and_is_logged(begin):
    worker = begin(hook("return 1 // int(data)"))
    assert ask(worker, "0")[0] == 500
    assert "ZeroDivisionError" in worker.logs()
    assert ask(worker, "1")[0] == 200


ODD_ANSWERS = (
    '{"x": float("nan")}',
    '[float("inf")]',
    '{"x": b"bytes"}',
    "(lambda a: a.append(a) or a)([])",
    '{"x": 10 ** 5000}',
    "{(1, 2): 3}",
    '{"x": "\\ud800"}',
    '"\\ud800"',
    "object()",
    "{1, 2}",
    'b"x" * ((64 << 20) + 1)',
    'type("A", (), {"tolist": lambda self: self})()',
    'type("S", (str,), {"encode": lambda *_: 1 / 0})("\\udfff")',
)


def test_what_no_answer_can_carry_fails_one_prediction_with_the_documented_error(begin):
    worker = begin(hook("return eval(data)"))
    failed = {"erno": "MR.0105", "msg": "Recognition failed", "words_result": {}}
    for expression in ODD_ANSWERS:
        status, kind, body = ask(worker, expression)
        told = json.loads(body)
        assert told.pop("reason") and (status, kind, told) == (500, JSON, failed), expression


def test_a_text_that_is_not_json_does_not_pass_for_it(begin):
    worker = begin(hook("return eval(data)"))
    kinds = {text: ask(worker, repr(text))[1]["Content-Type"] for text in ('{"x": 1}', "hello", "NaN")}
    text = "text/plain; charset=utf-8"
    assert kinds == {'{"x": 1}': "application/json", "hello": text, "NaN": text}


def test_a_bottomless_body_costs_no_process(begin):
    worker = begin(
        ECHO.replace("XgSklServingBaseService", "PTServingBaseService").replace("python", "pytorch"),
        "PyTorch",
    )
    assert (ask(worker, "[" * 100_000)[0], worker.alive) == (400, True)


@pytest.mark.parametrize(
    "code, reason",
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("def broken(:", "SyntaxError"),
        ("x = 1", "no class that inherits from XgSklServingBaseService"),
        ("import os; os._exit(3)", "exited with code 3"),
        ("import sys; sys.exit(4)", "exited with code 4"),
        ("bytearray(10 << 30)", "MemoryError"),
        (
            "from model_service.python_model_service import XgSklServingBaseService as Base\n"
            "class A(Base):\n    def __init__(self, model_path): raise ValueError('no weights')",
            "ValueError: no weights",
        ),
    ],
)
def test_a_package_that_cannot_be_loaded_says_why(begin, code, reason):
    worker = begin(code)
    assert not worker.ready
    assert not worker.alive
    assert reason in worker.failure


def test_a_package_that_loads_for_too_long_is_ended(begin):
    worker = begin("import time; time.sleep(60)", limits=Limits(start_seconds=0.5))
    assert not worker.alive
    assert worker.failure == "the model was not loaded within 0.5 s"


def test_a_package_without_code_and_without_model_file_cannot_be_loaded(tmp_path):
    (tmp_path / "config.json").write_text(SKLEARN)
    worker = ModelWorker(tmp_path, parse_config(SKLEARN), "Scikit_Learn")
    worker.start()
    worker.wait_started(30)
    assert "could not be loaded" in worker.failure


@pytest.mark.parametrize(
    "statement, reason",
    [
        ("os._exit(7)", "exited with code 7"),
        ("sys.exit(7)", "exited with code 7"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        ("os.closerange(3, 10000)", "exited with code 1"),
        (
            "[os.write(fd, b'x' * 64) for fd in range(3, 10000) if os.path.exists(f'/proc/self/fd/{fd}')]",
            "broke its channel",
        ),
    ],
)
def test_a_worker_that_ends_during_a_prediction_says_how_and_serves_again_after_a_restart(
    begin, statement, reason
):
    worker = begin(hook(f"{statement} if data == 'crash' else None; return data"))
    with pytest.raises(WorkerDown, match=reason):
        ask(worker, "crash")
    assert not worker.alive
    worker.restart()
    assert worker.wait_started(30)
    assert ask(worker, '"fine"')[0] == 200


def test_a_worker_that_is_killed_while_idle_is_not_alive(begin):
    worker = begin(ECHO)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerDown, match="ended by SIGKILL"):
        ask(worker)
    assert not worker.alive


def test_a_prediction_that_never_ends_is_given_up_by_its_caller_and_ends_the_worker(begin):
    worker = begin(
        hook("\n            while data == 'loop': pass\n            return data"),
        limits=Limits(call_seconds=0.5),
    )
    with pytest.raises(PredictionTimeout):
        ask(worker, "loop", timeout=0.2)
    with pytest.raises(WorkerDown, match=r"longer than 0.5 s"):
        ask(worker, "fine")


def test_a_caller_who_gives_up_while_waiting_costs_no_other_caller_its_answer(begin):
    worker = begin(hook("time.sleep(0.5); return data"))
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(ask, worker, "1")
        with pytest.raises(PredictionTimeout):
            ask(worker, "2", timeout=0.1)
        assert first.result()[2] == b"1"
    assert ask(worker, "3")[2] == b"3"


def test_cpu_time_beyond_the_limit_ends_the_process(begin):
    worker = begin(hook("\n            while True: pass"), limits=Limits(cpu_seconds=1))
    with pytest.raises(WorkerDown, match="more than 1 s of CPU time"):
        ask(worker)


def test_a_prediction_that_wants_ten_gigabytes_fails_and_the_worker_stays(begin):
    worker = begin(hook("return len(bytearray(int(data)))"))
    assert ask(worker, str(10 << 30))[0] == 500
    assert "MemoryError" in worker.logs()
    assert ask(worker, "10")[2] == b"10"


def test_a_package_reaches_no_file_of_others(begin, tmp_path):
    (tmp_path / "secret").write_text("of the emulator")
    code = hook("open(*data.split()); return 'opened'")
    worker = begin(code, namespaces=False)
    if not worker.confined:
        pytest.skip("this kernel has no Landlock, so files cannot be closed to a process without privileges")
    for tried in (
        f"/proc/self/root{tmp_path}/secret",
        f"/proc/self/root{tmp_path}/new w",
        "/proc/1/environ",
        f"/proc/{os.getpid()}/environ",
    ):
        assert ask(worker, tried)[0] == 500, tried
    assert worker.logs().count("PermissionError") == 4
    assert ask(worker, "scratch w")[2] == b"opened"
    assert ask(worker, f"{tmp_path}/model0/customize_service.py a")[2] == b"opened"


LEAVE = """
    import os, time
    from model_service.python_model_service import XgSklServingBaseService

    class Leaving(XgSklServingBaseService):
        def inference(self, data):
            told, tell = os.pipe()
            forked = os.fork()
            if forked:
                return [forked, os.read(told, 9).decode()]
            try:
                os.setsid()
                os.write(tell, b"left")
            except PermissionError:
                os.write(tell, b"refused")
            time.sleep(60)
"""


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "aarch64"), reason="the filter does not know this machine"
)
def test_a_child_of_a_package_cannot_leave_its_group_to_survive_a_stop(begin):
    worker = begin(LEAVE, namespaces=False)
    forked, outcome = json.loads(ask(worker)[2])
    worker.stop()
    assert outcome == "refused"
    assert ends(forked)


def test_a_package_cannot_signal_the_emulator_or_call_its_ports(begin):
    worker = begin(
        hook("__import__('socket').create_connection(('127.0.0.1', 9)) if data else os.kill(os.getppid(), 0)")
    )
    if not worker.confined:
        pytest.skip("this kernel has no Landlock, so signals and ports stay open")
    assert (ask(worker, "")[0], ask(worker, "connect")[0]) == (500, 500)
    assert worker.logs().count("PermissionError") == 2


def test_a_stopped_worker_leaves_no_process_and_no_folder(begin):
    worker = begin(
        hook("forked = os.fork() or time.sleep(60); return [os.getcwd(), forked]"), namespaces=False
    )
    folder, forked = json.loads(ask(worker)[2])
    worker.stop()
    assert not worker.alive
    assert not Path(folder).exists()
    assert ends(forked)


@pytest.fixture
def isolated(begin):
    """A worker in namespaces whose package answers with what an expression of Python gives."""
    worker = begin(hook("import socket, subprocess; return repr(eval(data))"))
    if not worker.isolated:
        pytest.skip("this kernel grants no namespaces")
    return worker


def test_a_package_in_namespaces_lies_where_the_image_of_the_cloud_has_it(isolated):
    assert ask(isolated, "os.path.dirname(__file__)")[2] == b"'/home/mind/model'"
    assert (
        ask(isolated, "sorted(os.listdir('/home/mind/model'))")[2]
        == b"['config.json', 'customize_service.py']"
    )
    assert ask(isolated, "open('/home/mind/new', 'w')")[0] == 500


def test_a_package_in_namespaces_sees_nothing_of_the_state_folder_or_of_others(isolated, tmp_path):
    (tmp_path / "secret").write_text("of the emulator")
    for path in (f"{tmp_path}/secret", str(tmp_path), f"/proc/{os.getpid()}/environ"):
        assert ask(isolated, f"os.path.lexists({path!r})")[2] == b"False", path


def test_a_package_in_namespaces_has_a_tmp_of_its_own_that_is_bounded(isolated):
    assert ask(isolated, "(os.getcwd(), os.environ['HOME'], open('/tmp/mine', 'w').write('x'))")[0] == 200
    assert not Path("/tmp/mine").exists()
    assert ask(isolated, "os.statvfs('/tmp').f_blocks * os.statvfs('/tmp').f_frsize")[2] == b"1073741824"


def test_a_package_in_namespaces_has_no_rights_over_them(isolated):
    rights = "[line.split()[1] for line in open('/proc/self/status') if line[:6] in ('CapEff', 'CapBnd')]"
    assert ask(isolated, f"set({rights})")[2] == b"{'0000000000000000'}"


def test_a_package_in_namespaces_meets_no_network_but_its_own(isolated):
    assert ask(isolated, "[name for _, name in socket.if_nameindex()]")[2] == b"['lo']"
    network = Path(f"/proc/{isolated.pid}/ns/net").readlink()
    assert network != Path("/proc/self/ns/net").readlink()


def test_no_process_of_a_package_in_namespaces_is_left_when_it_ends(begin):
    worker = begin(hook("[os.fork() or time.sleep(60) for _ in range(3)]; return 'forked'"))
    if not worker.isolated:
        pytest.skip("this kernel grants no namespaces")
    space = Path(f"/proc/{worker.pid}/ns/pid").readlink()
    assert ask(worker)[2] == b"forked"
    assert len(processes_in(space)) == 5
    os.kill(worker.pid, signal.SIGKILL)
    worker.stop()
    assert processes_in(space) == []


def test_a_bomb_of_processes_in_namespaces_is_bounded(begin):
    worker = begin(hook("return sum(bool(os.fork() or time.sleep(60)) for _ in range(2000))"))
    if not worker.isolated or LINUX < (6, 14):
        pytest.skip("this kernel cannot bound the processes of a namespace")
    assert ask(worker)[0] == 500
    assert "BlockingIOError" in worker.logs()
    assert ask(worker, timeout=5)[0] == 500


def processes_in(space: Path) -> list[int]:
    """The processes of a namespace, as seen here."""
    found = []
    for path in Path("/proc").glob("[0-9]*/ns/pid"):
        try:
            if path.readlink() == space:
                found.append(int(path.parts[2]))
        except OSError:
            continue
    return found


def ends(pid: int) -> bool:
    """Whether a process ends within ten seconds; it need not be a child of this one."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10)[0])
    finally:
        os.close(process)


def test_eight_callers_in_parallel_get_their_own_answers(begin):
    worker = begin(ECHO)
    numbers = [str(number) for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda number: ask(worker, number)[2].decode(), numbers)
    assert list(answers) == numbers


def test_ten_thousand_predictions_do_not_grow_the_worker_or_its_log(begin):
    worker = begin(hook("print('x' * 1000); return data"))
    body = "1" * 1000

    def resident() -> int:
        return int(Path(f"/proc/{worker.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    [ask(worker, body) for _ in range(500)]
    before = resident()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: ask(worker, body), range(10_000)))
    assert resident() - before < 4 << 20
    assert len(worker.logs()) <= 1 << 20


def test_a_worker_whose_emulator_was_killed_ends_even_in_a_loop(tmp_path):
    folder = package(tmp_path / "model", "while True: pass")
    script = f"""
        import os
        from modelarts_emulator.inference.packages.config import parse_config
        from modelarts_emulator.inference.packages.worker import ModelWorker

        worker = ModelWorker({str(folder)!r}, parse_config({SKLEARN!r}), "Scikit_Learn")
        worker.start()
        worker.wait_started(0.5)
        print(worker.pid, flush=True)
        os.kill(os.getpid(), 9)
        """
    command, temporary = [sys.executable, "-c", dedent(script)], os.environ | {"TMPDIR": str(tmp_path)}
    said = subprocess.run(command, env=temporary, stdout=subprocess.PIPE, text=True)
    pid = int(said.stdout)
    assert ends(pid)
