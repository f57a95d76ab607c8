"""Would a test fail if the code were wrong? `make mutation`, or `python -m tests.mutation MODULE...`.

Each mutant is one small fault in one module: a comparison, a condition, a number, a word, an operator, a
returned value or a call is another one, or none. The module's own tests run on it in a forked process; a mutant
that no test fails on has survived. One that ends in no time counts as killed. Left as they are: annotations, types,
docstrings, decorators, and prose, which no test should repeat: texts with a space, the fixed parts of f-strings,
the table TOLERANCES. The survivors are read and judged in docs/reliability.md.
"""

import argparse
import ast
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

from tests.conftest import ROOT

GATES = [
    "tests/readiness/test_gates.py",
    "tests/readiness/test_scenarios.py::test_scenario",
    "tests/readiness/test_assess.py::test_a_draft_is_held_to_every_host_that_senders_knew",
    "tests/readiness/test_assess.py::test_what_a_draft_leaves_out_passes_no_gate",
    "tests/readiness/test_assess.py::test_days_that_nobody_saw_are_no_days_in_testing",
    "tests/readiness/test_assess.py::test_a_name_that_no_report_is_about_is_told_first",
]
# The tests that are a module's own; all that a mutant is given.
TESTS: dict[str, list[str]] = {
    "archive.reports": ["tests/archive/test_tolerances.py", "tests/archive/test_reports.py"],
    "archive.tolerant": [
        "tests/archive/test_tolerances.py",
        "tests/archive/test_reports.py",
        "tests/hostile/test_work.py",
    ],
    "checks.records": ["tests/checks/test_records.py", "tests/checks/test_vectors.py"],
    "checks.policy": ["tests/checks/test_policy.py", "tests/checks/test_vectors.py"],
    "analysis.effects": ["tests/analysis/test_measures.py"],
    "readiness.gate": GATES,
    "readiness.gates": GATES,
    "readiness.on_checks": ["tests/readiness/test_gates_on_checks.py", *GATES],
    "readiness.on_reports": GATES,
}
# What takes long to import, and is none of ours: once, before the forks.
HEAVY = (
    "pytest",
    "hypothesis",
    "pandas",
    "pyarrow.parquet",
    "msgspec",
    "matplotlib.figure",
    "dns.resolver",
)
OUT = ROOT / "out" / "mutation"

SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt), ast.And: (ast.Or,), ast.Or: (ast.And,),
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.FloorDiv,), ast.FloorDiv: (ast.Mult,),
    ast.Div: (ast.Mult,), ast.Mod: (ast.Mult,), ast.Pow: (ast.Mult,), ast.BitOr: (ast.BitAnd,),
    ast.BitAnd: (ast.BitOr,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,),
}  # fmt: skip
LEFT = {"annotation", "returns", "decorator_list"}


def faults(node: ast.AST) -> Iterator[ast.AST]:
    """Give what may stand wrongly in a node's place."""
    match node:
        case ast.Compare():
            for at, op in enumerate(node.ops):
                for swap in SWAPS[type(op)]:
                    ops = [*node.ops[:at], swap(), *node.ops[at + 1 :]]
                    yield ast.Compare(node.left, ops, node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(SWAPS[type(node.op)][0](), node.values)
        case ast.BinOp():
            yield ast.BinOp(node.left, SWAPS[type(node.op)][0](), node.right)
        case ast.AugAssign():
            yield ast.AugAssign(node.target, SWAPS[type(node.op)][0](), node.value)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield ast.Constant(node.value + 1)
        case ast.Constant(value=str()) if " " not in node.value:
            yield ast.Constant(node.value + "XX")
        case ast.Constant(value=bytes()) if b" " not in node.value:
            yield ast.Constant(node.value + b"XX")
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise():
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
        case ast.If():
            yield ast.If(_negated(node.test), node.body, node.orelse)
        case ast.While():
            yield ast.While(_negated(node.test), node.body, node.orelse)
        case ast.IfExp():
            yield ast.IfExp(_negated(node.test), node.body, node.orelse)
        case ast.comprehension(ifs=[_, *_]):
            for at, test in enumerate(node.ifs):
                ifs = [*node.ifs[:at], _negated(test), *node.ifs[at + 1 :]]
                yield ast.comprehension(node.target, node.iter, ifs, node.is_async)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def mutants(node: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Put each fault into the tree in turn, and take it out again: line, what stood there, what stands there."""
    for field, value in ast.iter_fields(node):
        if field in LEFT:
            continue
        for at, child in enumerate(value if isinstance(value, list) else [value]):
            docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            prose = isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)
            prose |= isinstance(child, ast.AnnAssign) and ast.unparse(child.target) == "TOLERANCES"
            type_ = isinstance(child, ast.Subscript) and ast.unparse(child.value) == "Literal"
            if not isinstance(child, ast.AST) or docstring or prose or type_:
                continue
            for fault in faults(child):
                line = getattr(child, "lineno", 0) or getattr(child, "target", child).lineno
                _put(node, field, at, fault)
                yield line, _short(child), _short(fault)
                _put(node, field, at, child)
            yield from mutants(child)


def _put(node: ast.AST, field: str, at: int, child: ast.AST) -> None:
    there = getattr(node, field)
    if isinstance(there, list):
        there[at] = child
    else:
        setattr(node, field, child)


def _short(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(node)).strip().partition("\n")[0][:100]


class Mutated(MetaPathFinder, Loader):
    """Imports one module from a tree; all others as ever."""

    def __init__(self, name: str, tree: ast.Module, path: str) -> None:
        self.name, self.tree, self.path = name, tree, path

    def find_spec(self, name: str, *_rest: object) -> ModuleSpec | None:
        return spec_from_loader(name, self, origin=self.path) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self.path
        exec(compile(ast.fix_missing_locations(self.tree), self.path, "exec"), module.__dict__)


def survives(module: str, tree: ast.Module, path: str, tests: list[str], seconds: float) -> bool:
    """Run the tests on a tree, in a fork."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        code = 3
        try:
            import hypothesis
            import pytest

            sys.meta_path.insert(0, Mutated(module, tree, path))
            phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
            hypothesis.settings.register_profile("mutation", database=None, phases=phases)
            hypothesis.settings.load_profile("mutation")
            options = ["-x", "-o", "addopts=", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
            options += [
                "-W",
                "ignore::pytest.PytestAssertRewriteWarning",
            ]  # imported before the fork
            code = int(pytest.main([*options, *tests]))
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def run(short: str, every: int = 1) -> tuple[int, list[str]]:
    """Give the number of a module's mutants that were tried, and the survivors."""
    module = f"mtasts_analysis.{short}"
    path = ROOT / (module.replace(".", "/") + ".py")
    tree = ast.parse(path.read_text())
    tests = [*TESTS[short], f"tests/test_project.py::test_docstring_examples[{module}]"]
    began = time.monotonic()
    if not survives(module, tree, str(path), tests, 600):
        sys.exit(f"{short}: the tests fail without a mutant: {' '.join(tests)}")
    seconds = 10 + 5 * (time.monotonic() - began)
    count, alive = 0, []
    for number, (line, before, after) in enumerate(mutants(tree)):
        if number % every:
            continue
        count += 1
        if survives(module, tree, str(path), tests, seconds):
            alive.append(f"{path.name}:{line}: {before}  →  {after}")
            print(alive[-1], flush=True)
    return count, alive


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "modules", nargs="*", choices=[*TESTS, []], metavar="MODULE", help=", ".join(TESTS)
    )
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="try each Nth mutant only: a sample"
    )
    given = parser.parse_args(arguments)
    chosen = given.modules or list(TESTS)
    for name in HEAVY:
        importlib.import_module(name)
    assert not any(name.startswith("mtasts_analysis") for name in sys.modules)
    OUT.mkdir(parents=True, exist_ok=True)
    for short in chosen:
        count, alive = run(short, given.every)
        (OUT / f"{short}.json").write_text(
            json.dumps({"mutants": count, "survivors": alive}, indent=1)
        )
        print(
            f"{short}: {count - len(alive)} of {count} killed, {(count - len(alive)) / count:.1%}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
