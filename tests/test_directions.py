"""Who may import whom: launch -> experiments, data, mistral_moe, and nothing against it."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("mistral_moe", "data", "experiments", "launch", "benchmarks")
FORBIDDEN = {
    "mistral_moe": {
        "launch",
        "experiments",
        "data",
        "tests",
        "benchmarks",
        "tensorflow",
        "seqio",
        "tensorflow_datasets",
    }
    | {"absl.flags", "absl.app", "ml_collections.config_flags"},
    "data": {"mistral_moe", "launch", "experiments", "tests", "benchmarks"},
    "experiments": {"launch", "tests", "benchmarks"},
    "launch": {"tests", "benchmarks"},
}


def imported_names(tree, package, inside_functions):
    """Yields the absolute dotted names of all imports; those inside functions only if asked for."""

    def visit(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
                module = ".".join([*base, *([child.module] if child.module else [])])
                yield module
                yield from (f"{module}.{alias.name}" for alias in child.names)
            if inside_functions or not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                yield from visit(child)

    yield from visit(tree)


def modules(root=ROOT):
    """Module name -> (tree, its package) of every file in the packages."""
    result = {}
    for name in PACKAGES:
        for path in sorted((root / name).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            package = ".".join(parts[:-1])
            module = package if parts[-1] == "__init__" else ".".join(parts)
            result[module] = (ast.parse(path.read_text(encoding="utf-8")), package)
    return result


def violations(found):
    """`importer imports name` for every import against the rule, lazy ones included."""
    rows = []
    for module, (tree, package) in found.items():
        forbidden = FORBIDDEN.get(module.split(".")[0], set())
        for name in imported_names(tree, package, inside_functions=True):
            if any(name == bad or name.startswith(bad + ".") for bad in forbidden):
                rows.append(f"{module} imports {name}")
    return rows


def circles(found):
    """Circles of imports at module level, each as a list of modules."""
    edges = {
        module: sorted({n for n in imported_names(tree, package, inside_functions=False) if n in found and n != module})
        for module, (tree, package) in found.items()
    }
    state, stack, result = {}, [], []

    def walk(module):
        state[module] = "open"
        stack.append(module)
        for other in edges[module]:
            if state.get(other) == "open":
                result.append([*stack[stack.index(other) :], other])
            elif other not in state:
                walk(other)
        stack.pop()
        state[module] = "done"

    for module in edges:
        if module not in state:
            walk(module)
    return result


def test_nothing_imports_against_the_direction():
    found = modules()
    assert "launch.stage" in found
    assert violations(found) == []


def test_there_are_no_circles():
    assert circles(modules()) == []


@pytest.mark.parametrize(
    "file, source, row",
    [
        ("mistral_moe/a.py", "def f():\n    import tensorflow as tf\n", "mistral_moe.a imports tensorflow"),
        ("mistral_moe/a.py", "from absl import flags\n", "mistral_moe.a imports absl.flags"),
        ("mistral_moe/b/__init__.py", "from launch.stage import x\n", "mistral_moe.b imports launch.stage"),
        ("data/a.py", "import mistral_moe.models\n", "data.a imports mistral_moe.models"),
        ("experiments/a.py", "import launch\n", "experiments.a imports launch"),
        ("launch/a.py", "from data import domains\nimport mistral_moe\n", None),
        ("data/launch_time.py", "import launchpad\nfrom . import launch\n", None),
    ],
)
def test_the_walk_sees_what_it_should(tmp_path, file, source, row):
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(source)
    rows = violations(modules(tmp_path))
    assert row in rows if row else rows == []


def test_the_walk_sees_circles_but_not_lazy_ones(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.py").write_text("from data import b\n")
    (tmp_path / "data" / "b.py").write_text("def f():\n    from data import a\n")
    assert circles(modules(tmp_path)) == []
    (tmp_path / "data" / "b.py").write_text("from . import a\n")
    assert circles(modules(tmp_path)) == [["data.a", "data.b", "data.a"]]


def test_importing_the_model_does_not_load_tensorflow():
    script = "import sys, mistral_moe; print(sorted({'tensorflow', 'seqio', 'tensorflow_datasets'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"
