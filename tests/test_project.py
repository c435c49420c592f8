"""Rules about the source itself."""

import ast
import json
import re
from dataclasses import fields
from pathlib import Path

import modelarts_emulator
import pytest
import yaml
from modelarts_emulator.contract.errors import error_facts
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(ROOT.glob("emulator/modelarts_emulator/**/*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))
BEHAVIOURS = ROOT / "emulator/modelarts_emulator/behaviours"
TESTS_OF_BEHAVIOURS = ROOT / "tests/behaviours"
CORE = {"http", "contract", "identity", "worlds", "frame", "serving", "control", "testing"}
NAMES = {path: str(path.relative_to(ROOT)) for path in [*SOURCES, *TESTS]}
every_source = pytest.mark.parametrize("path", SOURCES, ids=NAMES.get)
TREES = {path: ast.parse(path.read_text()) for path in [*SOURCES, *TESTS]}

# User code, models and what they are served with run as programs of their own, with the real clock and threads.
OWN_PROGRAMS = (
    "emulator/modelarts_emulator/inference/",
    "emulator/modelarts_emulator/testing/demo.py",
    "emulator/modelarts_emulator/training_runs/container/",
)
# Longer than 400 lines, each for the reason given.
LONG = {
    "emulator/modelarts_emulator/http/server.py": (
        "parser, loop and threads hand one socket to each other; apart, no half could be understood"
    ),
}
# What a folder may import beside itself and the modules that are for all. Nothing below it in this table, but for those
# of its own row; what stands directly in the package is named as a folder is.
FOR_ALL = {"real_time", "settings", "waiting", "__version__"}
MAY_IMPORT = {
    "http": set(),
    "contract": set(),
    "worlds": {"contract"},
    "identity": {"contract", "worlds"},
    "simulation": set(),
    "inference": {"sandbox"},
    "sandbox": set(),
    "training_runs": {"sandbox"},
    "obs": {"contract", "worlds", "identity"},
    "frame": {"contract", "worlds", "identity", "obs"},
    "serving": {"contract", "worlds", "identity", "frame", "inference"},
    "behaviours": {
        "contract", "worlds", "identity", "frame", "serving", "simulation", "inference", "obs", "sandbox",
        "training_runs",
    },
}  # fmt: skip
# Imports by string or against the direction, each for the reason given.
MAY_ALSO = {
    ("frame/registry.py", "behaviours"): "the registry imports an area by its name when it is first used",
    ("settings.py", "inference"): "an option names the module that knows which values make sense",
    ("settings.py", "seeding"): "an option names the module that knows which values make sense",
}


def imports_of(path: Path) -> set[str]:
    """The modules a file imports, wherever it does."""
    found = set()
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def calls_of(path: Path):
    """(dotted name, call) of every call in a file."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def is_own_program(path: Path) -> bool:
    return NAMES[path].startswith(OWN_PROGRAMS)


def areas() -> set[str]:
    """`<service>/<area>` of every schema file, as its behaviours are called."""
    return {area.full_name.replace("-", "_") for area in Operations(check=False).areas}


def behaviours() -> dict[str, list[Path]]:
    """{`<service>/<area>`: modules} of what lies below behaviours/, a package or a module of its own each."""
    found = {}
    for path in BEHAVIOURS.glob("*/**/*.py"):
        service, *rest = path.relative_to(BEHAVIOURS).with_suffix("").parts
        if rest != ["__init__"]:
            found.setdefault(f"{service}/{rest[0]}", []).append(path)
    return found


@pytest.mark.parametrize("name", modelarts_emulator.__all__)
def test_every_public_name_is_there(name):
    assert getattr(modelarts_emulator, name).__name__ == name


def registers(path: Path) -> bool:
    """Whether a module says what an operation does."""
    return any(
        name in ("behaviour", "serve_family") or name.endswith(".serves") for name, _ in calls_of(path)
    )


def test_every_behaviours_module_that_serves_operations_is_named_after_a_schema_file():
    known = areas()
    for name, paths in behaviours().items():
        assert name in known or not any(map(registers, paths)), name


def test_every_area_with_behaviours_has_its_tests():
    tests = {"/".join(path.parts[-2:]) for path in TESTS_OF_BEHAVIOURS.glob("*/*")}
    missing = [
        name
        for name in areas() & behaviours().keys()
        if not {name, name.replace("/", "/test_", 1) + ".py"} & tests
    ]
    assert not missing


def test_every_behaviour_is_of_a_documented_operation_of_its_own_area():
    documented = Operations(check=False).by_id
    for name, paths in behaviours().items():
        for path in paths:
            for called, call in calls_of(path):
                if called == "behaviour":
                    operation = documented[call.args[0].value]
                    assert operation.area_of.full_name.replace("-", "_") == name, (path, operation)


@every_source
def test_one_module_reads_real_time(path):
    if path.stem == "real_time" or is_own_program(path):
        return
    assert "time" not in imports_of(path)
    asked = [name for name, _ in calls_of(path) if re.search(r"(datetime|date)\.(now|today|utcnow)$", name)]
    assert not asked


@every_source
def test_all_chance_is_seeded(path):
    if is_own_program(path):
        return
    imports = imports_of(path)
    assert not {"secrets", "uuid.uuid4", "numpy.random"} & imports
    shared = [
        name
        for name, call in calls_of(path)
        if (name.startswith("random.") and name != "random.Random" and "random" in imports)
        or (re.match(r"(np|numpy)\.random\.(?!Generator|PCG64|Philox|SeedSequence)", name) and not call.args)
    ]
    assert not shared
    assert not any(name in ("os.urandom", "uuid.uuid1", "uuid.uuid4", "uuid4") for name, _ in calls_of(path))


@every_source
def test_behaviours_neither_sleep_nor_start_threads_nor_answer_in_http(path):
    if "behaviours" not in path.parts:
        return
    forbidden = {"threading", "asyncio", "flask", "concurrent.futures", "werkzeug", "http.client"}
    assert not forbidden & imports_of(path)
    assert not any(name.endswith("sleep") for name, _ in calls_of(path))


@every_source
def test_no_descriptor_is_kept_as_a_number_which_may_be_anybodys_once_it_is_closed(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Assign) and any(isinstance(at, ast.Attribute) for at in node.targets):
            assert not ast.unparse(node.value).startswith(("os.open(", "os.dup(", "os.pipe("))
    closed = [call.args[0] for name, call in calls_of(path) if name == "os.close"]
    assert all(isinstance(number, ast.Name) for number in closed)


@every_source
def test_every_code_that_is_raised_is_documented(path):
    for name, call in calls_of(path):
        if name.endswith("ApiError") and call.args and isinstance(call.args[0], ast.Constant):
            assert error_facts(call.args[0].value)


def folders_imported(path: Path) -> set[str]:
    """The folders of the package, or modules in it, that a file imports: at its top, in functions, by string."""
    names = set(imports_of(path))
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Constant) and re.fullmatch(r"modelarts_emulator(\.\w+)+\.?", str(node.value)):
            names.add(node.value)
    return {name.split(".")[1] for name in names if name.startswith("modelarts_emulator.")}


@every_source
def test_imports_point_one_way(path):
    module = path.relative_to(ROOT / "emulator/modelarts_emulator")
    folder = module.parts[0].removesuffix(".py")
    if folder not in MAY_IMPORT and folder not in FOR_ALL:
        return
    allowed = MAY_IMPORT.get(folder, set()) | FOR_ALL | {folder}
    allowed |= {target for (source, target), _ in MAY_ALSO.items() if source == module.as_posix()}
    loggers = {call.args[0].value.split(".")[1] for name, call in calls_of(path)
               if name.endswith("getLogger") and "." in str(getattr(call.args[0], "value", ""))}  # fmt: skip
    assert folders_imported(path) - loggers <= allowed


def test_no_folder_imports_what_imports_it():
    for folder, below in MAY_IMPORT.items():
        assert not [other for other in below if folder in MAY_IMPORT[other]]


@every_source
def test_computing_knows_nothing_of_http_store_or_clock(path):
    if not {"simulation", "inference"} & set(path.parts):
        return
    outside = {
        "flask",
        "tinydb",
        *(f"modelarts_emulator.{name}" for name in ("worlds", "frame", "app", "behaviours")),
    }
    assert not outside & imports_of(path)


@every_source
def test_no_module_holds_state_that_changes(path):
    assert not changed_globals(TREES[path]), path


def changed_globals(tree: ast.Module) -> list[str]:
    """Names of module-level collections that functions of the module change, except those named as registries."""
    collections = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and is_collection(node.value)
    }
    changed = []
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        changed += [
            name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names
        ]
        for node in ast.walk(function):
            changed += [name for name in changed_by(node) if name in collections]
    return [name for name in changed if name not in REGISTRIES]


def is_collection(value: ast.AST) -> bool:
    """Whether an expression makes something that can be changed in place."""
    if isinstance(value, ast.Call):
        return ast.unparse(value.func) in (
            "dict",
            "list",
            "set",
            "deque",
            "defaultdict",
            "Counter",
            "OrderedDict",
        )
    return isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp)


# What is registered when modules are imported, and what belongs to the process as os.environ does.
REGISTRIES = {"REGISTERED", "RESOURCES", "IMPORTED", "ANSWERING", "PAGES", "USES", "TOTALS", "LAYERS"}
CHANGES = {"append", "add", "update", "setdefault", "pop", "clear", "extend", "remove", "insert", "popitem"}


def changed_by(node: ast.AST) -> list[str]:
    """Names of the collections that one step changes."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
        return [node.func.value.id] if isinstance(node.func.value, ast.Name) else []
    targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
    targets = [node.target] if isinstance(node, ast.AugAssign) else targets
    return [t.value.id for t in targets if isinstance(t, ast.Subscript) and isinstance(t.value, ast.Name)]


@every_source
def test_what_others_call_says_what_it_promises(path):
    tree = TREES[path]
    assert not tree.body or ast.get_docstring(tree), "the module has no docstring"
    if not CORE & set(path.parts):
        return
    public = [
        node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
    ]
    methods = [
        member
        for node in public
        if isinstance(node, ast.ClassDef)
        for member in node.body
        if isinstance(member, ast.FunctionDef) and member.name[0] != "_"
    ]
    silent = [node.name for node in [*public, *methods] if not ast.get_docstring(node)]
    assert not silent


@every_source
def test_no_module_is_longer_than_a_reader_can_hold(path):
    lines = len(path.read_text().splitlines())
    assert lines <= 400 or NAMES[path] in LONG, lines


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=NAMES.get)
def test_nothing_is_left_to_be_done_and_nothing_is_told_of_the_past(path):
    if path == Path(__file__).resolve():
        return
    words = re.findall(r"#.*\b(TODO|FIXME|XXX|HACK|used to be|was changed)\b", path.read_text())
    assert not words
    assert path.stem not in ("utils", "helpers", "common", "misc")


@pytest.mark.parametrize("path", TESTS, ids=NAMES.get)
def test_a_tests_name_is_a_sentence_and_it_can_fail(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and is_collected(path, node):
            assert node.name.count("_") >= 3, node.name
            assert claims(path, node), f"{node.name} claims nothing"


def is_collected(path: Path, node: ast.FunctionDef) -> bool:
    """Whether pytest runs the function as a test of its own."""
    return node in TREES[path].body


def claims(path: Path, node: ast.FunctionDef) -> bool:
    """Whether a test, or a function of the tests that it calls, asserts or expects something."""
    waiting, seen = [(path, node)], set()
    while waiting:
        place, function = waiting.pop()
        for inner in ast.walk(function):
            if isinstance(inner, ast.Assert):
                return True
            if not isinstance(inner, ast.Call):
                continue
            name = ast.unparse(inner.func)
            if re.search(r"raises|fail|assert|validate|verify|read_|run_state_machine|\.until", name):
                return True
            if name not in seen:
                seen.add(name)
                waiting += functions_called(place, name)
    return False


def functions_called(path: Path, name: str) -> list:
    """(file, function) of the tests that a name means in one of them."""
    found = [
        (path, node) for node in TREES[path].body if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    for node in TREES[path].body:
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
            for other in TESTS:
                if NAMES[other].removesuffix(".py").replace("/", ".") == node.module and other != path:
                    found += functions_called(other, name)
    return found


@pytest.mark.parametrize("path", TESTS, ids=NAMES.get)
def test_no_test_module_imports_another(path):
    modules = [name for name in imports_of(path) if name.startswith("tests.")]
    assert not [name for name in modules if name.split(".")[-1].startswith("test_")]


def test_every_fixture_can_be_read():
    for path in ROOT.glob("fixtures/**/*"):
        if path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix in (".yaml", ".yml"):
            yaml.safe_load(path.read_text())


def test_every_option_is_explained_in_the_docs():
    text = "".join(path.read_text() for path in [*ROOT.glob("docs/*.md"), ROOT / "README.md"])
    for row in fields(Settings):
        flag = f"--{row.name.replace('_', '-')}"
        assert flag in text or f"{PREFIX}{row.name.upper()}" in text, flag


# The core works from facts and registrations: what it would know an area by is not in its source. These folders may:
# behaviours, consoles and their pages are of areas, testing speaks of the clients of services, and the others know
# nothing of areas, so that a name in there is a word of their own.
OF_AREAS = (
    "behaviours/",
    "control/consoles/",
    "console/",
    "testing/",
    "simulation/",
    "inference/",
    "obs/",
    "sandbox/",
    "training_runs/",
)
# {module: (how what it may say starts, why)}
MAY_SAY = {
    "settings.py": ("text", "how lines of the log look"),
    "request_journal.py": ("text", "the member of an HTTP archive that holds a body"),
    "identity/records.py": ("iam/iam/", "whom a request is from is read from the records of that area"),
    "frame/bound.py": ("labels", "the member of a document's metadata"),
    "frame/documents.py": ("labels", "the member of a document's metadata"),
    "worlds/old_states.py": (
        "",
        "states of format 1 lie in tables that are named after the areas of their time",
    ),
}


def test_the_core_names_no_service_no_area_and_no_operation():
    documented = Operations(check=False)
    places = tuple(f"{area.full_name}/" for area in documented.areas)
    names = {area.service for area in documented.areas} | {area.name for area in documented.areas}
    names |= set(documented.by_id) | {place[:-1] for place in places}
    found = {}
    for path in SOURCES:
        module = path.relative_to(ROOT / "emulator/modelarts_emulator").as_posix()
        if not module.startswith(OF_AREAS):
            allowed = MAY_SAY.get(module, ("\0", ""))[0]
            texts = {node.value for node in ast.walk(TREES[path]) if isinstance(node, ast.Constant)}
            texts = {text for text in texts if isinstance(text, str) and not text.startswith(allowed)}
            found[module] = {text for text in texts if text in names or text.startswith(places)}
    assert not {module: texts for module, texts in found.items() if texts}


def test_what_the_guide_quotes_stands_in_the_code():
    guide = (ROOT / "docs/adding-an-operation.md").read_text()
    quotes = re.findall(r"```python\n# (\S+)\n(.*?)```", guide, re.DOTALL)
    assert len(quotes) == guide.count("```python") > 0
    for path, code in quotes:
        assert code in (ROOT / path).read_text(), path


# What Python's own reader takes may be more than an answer or the store can carry: NaN, halves of characters,
# bottomless depth. Each of these reads what is ours, or what orjson has read before.
READS_JSON_TWICE = (
    "commands.py",
    "watching.py",
    "contract/checking.py",
    "testing/demo.py",
    "inference/packages/config.py",
)


@every_source
def test_json_of_others_is_read_by_the_strict_reader(path):
    module = path.relative_to(ROOT / "emulator/modelarts_emulator").as_posix()
    if module in READS_JSON_TWICE or module.startswith(
        ("inference/serving_base/", "training_runs/container/")
    ):
        return
    assert "json.loads" not in [name for name, _ in calls_of(path)]


# Calls whose answer has the names that the function itself writes down, and names that get theirs from elsewhere.
NAMES_ITS_MEMBERS = {"vars", "facts_of", "self._finished", "self._count"}
OURS = {
    ("behaviours/modelarts/training/events.py", "mentions"): "what a Happening of ours mentions",
    ("cli.py", "given"): "options of the command line, which argparse has read",
    ("settings.py", "values"): "the names of the fields that a variable of the environment gives a value",
    ("testing/cloud.py", "self._options"): "options of an Emulator, which a test writes",
    ("testing/cloud.py", "completed(cloud, keywords)"): "the arguments of a test function",
    ("testing/pytest_plugin.py", "given"): "options of pytest, which the plugin has declared",
    ("inference/language/latency.py", "values"): "each name is refused unless it is one of the fields",
    ("inference/serving_base/model_service/tfserving_model_service.py", "inputs"): (
        "a process of its own: what a signature does not know fails one prediction, as in the cloud"
    ),
}


def is_ours(value: ast.expr, scope: ast.AST, module: str) -> bool:
    """Whether the names in a dict are written down in the code, or picked by it, and none comes with a request."""
    if (module, ast.unparse(value)) in OURS:
        return True
    if isinstance(value, ast.Dict):
        return all(
            is_ours(inner, scope, module) if key is None else isinstance(key, ast.Constant)
            for key, inner in zip(value.keys, value.values, strict=True)
        )
    if isinstance(value, ast.DictComp):
        return all(
            each.ifs or isinstance(each.iter, ast.Tuple) or ast.unparse(each.iter).isupper()
            for each in value.generators
        )
    if isinstance(value, ast.BinOp):
        return is_ours(value.left, scope, module) and is_ours(value.right, scope, module)
    if isinstance(value, ast.Call):
        return ast.unparse(value.func) in NAMES_ITS_MEMBERS
    return isinstance(value, ast.Name) and is_our_name(value.id, scope, module)


def is_our_name(name: str, scope: ast.AST, module: str) -> bool:
    """Whether a name is a constant, holds the keyword arguments of the function, or only what is ours."""
    if name.isupper():
        return True
    if any(arguments.kwarg and arguments.kwarg.arg == name for arguments in arguments_in(scope)):
        return True
    given = [
        node.value
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and name in targets_of(node)
    ]
    grows = any(is_growth(node, name) for node in ast.walk(scope))
    return bool(given) and not grows and all(each and is_ours(each, scope, module) for each in given)


def is_growth(node: ast.AST, name: str) -> bool:
    """Whether this gives a dict members whose names are not written down here."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in (f"{name}.update", f"{name}.setdefault")
    is_member = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
    return is_member and ast.unparse(node.value) == name and not isinstance(node.slice, ast.Constant)


def arguments_in(scope: ast.AST) -> list[ast.arguments]:
    return [node for node in ast.walk(scope) if isinstance(node, ast.arguments)]


def targets_of(node: ast.AST) -> set[str]:
    """The names that an assignment gives a value or a member; in one of several names at once, that of the place."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {ast.unparse(target) for target in targets}


@every_source
def test_no_dict_of_a_request_becomes_keyword_arguments(path):
    module = path.relative_to(ROOT / "emulator/modelarts_emulator").as_posix()
    found = [
        f"{call.lineno}: {ast.unparse(keyword.value)}"
        for scope in TREES[path].body
        for call in ast.walk(scope)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg is None and not is_ours(keyword.value, scope, module)
    ]
    assert found == []
