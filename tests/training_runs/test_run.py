"""A script at work: started as the platform would start it, and harmless whatever it does."""

import os
import select
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from modelarts_emulator.training_runs.orders import MOUNT, Channel, Mirror, Place

DATA = Channel("data_url", f"{MOUNT}/inputs/data_url_0", Place("bucket", "data/"), "obs://bucket/data/")


def test_a_script_finds_its_arguments_data_and_variables_and_its_outputs_are_uploaded(ended):
    run = ended(
        """
        import os, pathlib, sys
        import sibling
        print(sys.argv[1:], os.getcwd(), os.environ["MA_VJ_NAME"], os.environ["MODE"])
        data = pathlib.Path("/home/ma-user/modelarts/inputs/data_url_0/part/a.txt").read_text()
        out = pathlib.Path(sys.argv[-1].partition("=")[2])
        (out / "deep").mkdir()
        (out / "deep/model.txt").write_text(data.upper())
        os.symlink("/etc/passwd", out / "passwd")
        sys.exit(3)
        """,
        files={"code/sibling.py": "", "data/part/a.txt": "abc"},
        parameters=(("lr", "1e-3"), ("data_url", "obs://bucket/data/")),
        inputs=(DATA,),
        environment={"MODE": "fast"},
    )
    arguments = [
        "--lr=1e-3",
        *[f"--data_url={DATA.local_dir}/"] * 2,
        f"--train_url={MOUNT}/outputs/train_url_0/",
    ]
    if not run.is_isolated:
        pytest.skip("the kernel grants no namespaces here")
    assert run.text(0) == f"{arguments} {MOUNT}/user-job-dir modelarts-job-12345678 fast\n"
    assert (run.outcome.codes, run.outcome.why) == ((3,), "")
    assert run.objects.files["out/deep/model.txt"] == b"ABC"
    assert [key for key in run.objects.files if key.startswith("out/")] == ["out/deep/model.txt"]


def test_what_is_hostile_reaches_nothing(ended, tmp_path):
    secret = tmp_path / "state"
    secret.write_text("secret")
    run = ended(
        f"""
        import os, signal, socket
        def attempt(name, action):
            try:
                print(name, action())
            except OSError as error:
                print(name, type(error).__name__)
            except MemoryError:
                print(name, "MemoryError")
        attempt("read", lambda: open("{secret}").read())
        attempt("passwords", lambda: open("/etc/shadow").read())
        attempt("processes", lambda: len([each for each in os.listdir("/proc") if each.isdigit()]) < 9)
        attempt("signal", lambda: os.kill({os.getpid()}, 0))
        attempt("connect", lambda: socket.create_connection(("127.0.0.1", 7878), 1))
        attempt("allocate", lambda: len(bytearray(1 << 40)))
        """
    )
    if not run.is_isolated:
        pytest.skip("the kernel grants no namespaces here")
    assert run.text(0).splitlines() == [
        "read FileNotFoundError",
        "passwords ",
        "processes True",
        "signal ProcessLookupError",
        "connect ConnectionRefusedError",
        "allocate MemoryError",
    ]


@pytest.mark.parametrize(
    ("action", "limits", "why"),
    [
        ("os.fork(); blob = b'x' * (400 << 20)", {"memory_bytes": 600 << 20}, ""),
        (
            "[open(f'/cache/{n}', 'wb').write(b'x' * (15 << 20)) for n in range(2)]",
            {"disk_bytes": 20 << 20},
            "the job wrote more than 20 MB to its disk",
        ),
    ],
    ids=["memory", "disk"],
)
def test_who_takes_more_than_there_is_ends(ended, action, limits, why):
    run = ended(f"import os, time\n{action}\ntime.sleep(60)", limits=limits)
    if not run.is_isolated:
        pytest.skip("the kernel grants no namespaces here")
    assert (run.outcome.codes, run.outcome.why) == ((137,), why)


def test_a_script_that_ignores_the_signal_is_killed_and_one_that_takes_it_may_clear_up(ended):
    run = ended(
        """
        import os, signal, sys, time
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)
        def leave(*_):
            open("/home/ma-user/modelarts/outputs/train_url_0/last", "w").write("kept")
            sys.exit(7)
        signal.signal(signal.SIGTERM, leave)
        time.sleep(60)
        """,
        limits={"seconds": 1, "grace_seconds": 5},
    )
    assert run.outcome.timed_out
    assert run.outcome.codes == (7,)
    assert run.objects.files["out/last"] == b"kept"


def test_a_script_that_does_nothing_about_the_signal_ends_at_once(ended):
    run = ended("import time\ntime.sleep(60)", limits={"seconds": 0.1, "grace_seconds": 60})
    assert (run.outcome.codes, run.outcome.timed_out) == ((143,), True)


def test_what_is_too_deep_is_neither_uploaded_nor_left(ended):
    run = ended(
        """
        import os
        for place in ("/home/ma-user/modelarts/outputs/train_url_0", "/cache"):
            os.chdir(place)
            open("top", "w").close()
            for depth in range(300):
                os.mkdir("d" * 50)
                os.chdir("d" * 50)
            open("bottom", "w").close()
            os.chmod(place, 0)
        """
    )
    run.join()
    assert (run.outcome.codes, run.outcome.why, run.is_alive) == ((0,), "", False)
    assert not Path(run.folder).exists()


def test_nodes_meet_under_their_names(ended):
    run = ended(
        """
        import os, socket
        hosts, rank = os.environ["VC_WORKER_HOSTS"].split(","), int(os.environ["VC_TASK_INDEX"])
        if rank == 0:
            server = socket.create_server((hosts[0], 6060))
            while True:
                connection, _ = server.accept()
                print("got", connection.recv(99).decode())
                break
        else:
            while True:
                try:
                    socket.create_connection((hosts[0], 6060)).send(b"hello of " + hosts[1].encode())
                    break
                except ConnectionRefusedError:
                    pass
        """,
        nodes=2,
    )
    if not run.is_isolated:
        pytest.skip("the kernel grants no namespaces here")
    assert run.outcome.codes == (0, 0)
    assert run.text(0) == "got hello of modelarts-job-12345678-worker-1.modelarts-job-12345678\n"


def test_without_namespaces_paths_are_rewritten_and_other_files_are_closed(ended, tmp_path):
    secret = tmp_path / "state"
    secret.write_text("secret")
    run = ended(
        f"""
        import os, sys
        print(open(sys.argv[1].partition("=")[2] + "a.txt").read(), os.environ["VC_WORKER_HOSTS"])
        print(open("{secret}").read())
        """,
        files={"data/a.txt": "abc"},
        inputs=(DATA,),
        namespaces=False,
    )
    lines = run.text(0).splitlines()
    assert (run.is_isolated, run.outcome.codes, lines[0]) == (False, (1,), "abc 127.0.0.1")
    assert lines[-1].startswith("PermissionError")


def test_nothing_is_left_when_the_emulator_is_killed(tmp_path):
    program = dedent(
        """
        import sys, time
        from modelarts_emulator.training_runs.orders import Order
        from modelarts_emulator.training_runs.run import Run
        run = Run(Order("1", command="echo $$; sleep 1000 & sleep 1000"), lambda: None)
        while not run.outputs[0].size:
            time.sleep(0.01)
        print(run._channel is not None, flush=True)
        time.sleep(1000)
        """
    )
    environ = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environ) as emulator:
        assert emulator.stdout.readline() == b"True\n"
        (folder,) = tmp_path.iterdir()
        threads = Path(f"/proc/{emulator.pid}/task").iterdir()
        (child,) = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
        supervisor = os.pidfd_open(child)
        emulator.kill()
    assert select.select([supervisor], [], [], 30)[0]
    os.close(supervisor)
    assert not folder.exists()


ANSWERING = """
    import os, socket
    door = socket.socket(fileno=3)
    print("ready", flush=True)
    while True:
        _, numbers, _, _ = socket.recv_fds(door, 1, 1)
        with socket.socket(fileno=numbers[0]) as asked:
            wanted = asked.recv(99).decode()
            try:
                if wanted.startswith("write "):
                    open(wanted[6:], "w")
                asked.send(" ".join(sorted(os.listdir("/mirror"))).encode() or b"nothing")
            except OSError as error:
                asked.send(type(error).__name__.encode())
"""


def asked(run, words: str) -> str:
    """What the script says to whoever connects."""
    with run.connect() as connection:
        connection.settimeout(30)
        connection.send(words.encode())
        return connection.recv(99).decode()


@pytest.fixture
def answering(begin):
    """A run that answers, beside a copy of the `.txt` files below mirror/."""
    return begin(
        ANSWERING,
        files={"mirror/a.txt": "1", "mirror/b.bin": "2"},
        mirror=Mirror(Place("bucket", "mirror/"), "/mirror", r"\.txt$"),
        answers=True,
        limits={"mirror_seconds": 0.01},
    )


def test_a_script_answers_connections_from_outside_its_namespaces(answering):
    assert asked(answering, "list") == "a.txt"
    answering.stop()
    answering.join()
    with pytest.raises(OSError):
        answering.connect()


def test_what_is_mirrored_follows_the_objects_and_cannot_be_changed(answering):
    files = answering.objects.files
    first = asked(answering, "list")
    if not answering.is_isolated:
        pytest.skip("the kernel grants no namespaces here")
    assert (first, asked(answering, "write /mirror/c.txt")) == ("a.txt", "OSError")
    files["mirror/c.txt"] = b"3"
    files["mirror/../d.txt"] = b"4"
    del files["mirror/a.txt"]
    while asked(answering, "list") != "c.txt":
        assert not answering.done.is_set()
    # One that has changed is there anew, whole.
    files["mirror/c.txt"] = b"longer"
    copy = Path(answering.folder, "mirror/c.txt")
    while copy.read_bytes() != b"longer":
        assert not answering.done.is_set()


def test_a_script_without_namespaces_answers_as_well(begin):
    run = begin(ANSWERING.replace("/mirror", "."), namespaces=False, answers=True)
    assert "code" in asked(run, "list")


def test_a_connection_that_nobody_takes_any_more_comes_to_an_end(begin):
    run = begin("import sys; sys.exit(2)", answers=True)
    with run.connect() as connection:
        connection.settimeout(30)
        assert connection.recv(1) == b""
    assert run.done.wait(30)


def test_who_does_not_answer_is_not_connected_to(begin):
    with pytest.raises(OSError, match="nothing is answered here"):
        begin("pass").connect()
