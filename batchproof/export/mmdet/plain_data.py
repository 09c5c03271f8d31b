"""Which Python is plain data: so that running it can do nothing but assign values of a bounded size.

Plain data are assignments of numbers, texts, lists, tuples, dictionaries and `dict(key=value)`, of names assigned
above, and of sums, differences, products and quotients of these. There is no import, no call of anything but `dict`,
no attribute, no loop; a product has a number of at most 10,000 in it; letters and containers are counted beforehand.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Set
from pathlib import Path

from batchproof.errors import InputError

LARGEST_SIZE = 500_000  # letters and containers that a file assigns, its repetitions written out
LARGEST_FACTOR = 10_000

BASE = "_base_"
REMEDY = "If you trust it, write out what mmengine.Config.fromfile(...).pretty_text makes of it, and name that"
_PLAIN = (ast.Constant, ast.List, ast.Tuple, ast.Dict)
_OPERATORS = (ast.UAdd, ast.USub, ast.Not, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv)


def check_statements(tree: ast.Module, path: Path) -> None:
    """Let through assignments of plain data, of at most `LARGEST_SIZE` together.

    Raises `InputError` at the first line that is more.
    """
    assigned: dict[str, int] = {}
    total = 0
    for statement in tree.body:
        target = assigned_name(statement)
        if target is None or not isinstance(statement, ast.Assign):
            if not _is_text(statement):
                raise _refused(statement, path)
            continue
        if odd := _first_odd(statement.value, assigned.keys()):
            raise _refused(odd, path)
        assigned[target] = _size(statement.value, assigned)
        total += assigned[target]
        if total > LARGEST_SIZE:
            raise _grown(statement, path)
        if target == BASE:  # under this name mmengine keeps what the bases assign
            del assigned[target]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def assigned_name(statement: ast.stmt) -> str | None:
    """Return the one name that the statement assigns; None for all other statements and for names that have a use."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    has_use = isinstance(target, ast.Name) and (target.id == "dict" or target.id.startswith("__"))
    return target.id if isinstance(target, ast.Name) and not has_use else None


def _first_odd(value: ast.expr, assigned: Set[str]) -> ast.expr | None:
    """Return the first part of an expression that is more than plain data."""
    parts = [part for part in ast.walk(value) if isinstance(part, ast.expr)]
    dict_calls = [part for part in parts if _is_dict_call(part)]
    passed = [*dict_calls, *(call.func for call in dict_calls if isinstance(call, ast.Call))]
    return next((part for part in parts if part not in passed and not _is_plain(part, assigned)), None)


def _size(value: ast.AST, assigned: Mapping[str, int]) -> int:
    """Bound the letters and containers of an expression: names stand for all that they hold, products repeat."""
    if isinstance(value, ast.Constant):
        return len(repr(value.value))
    if isinstance(value, ast.Name):
        return assigned.get(value.id, 1)
    inner = sum(_size(part, assigned) for part in ast.iter_child_nodes(value))
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        return inner * max(_repeats(value.left), _repeats(value.right), 1)
    return 1 + inner


def _repeats(factor: ast.expr) -> int:
    return factor.value if isinstance(factor, ast.Constant) and isinstance(factor.value, int) else 0


def _is_dict_call(part: ast.expr) -> bool:
    return isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "dict" and not part.args


def _is_plain(part: ast.expr, assigned: Set[str]) -> bool:
    if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult):
        return any(_is_small_number(factor) for factor in (part.left, part.right))
    if isinstance(part, ast.UnaryOp | ast.BinOp):
        return isinstance(part.op, _OPERATORS)
    return part.id in assigned if isinstance(part, ast.Name) else isinstance(part, _PLAIN)


def _is_small_number(factor: ast.expr) -> bool:
    number = factor.value if isinstance(factor, ast.Constant) else None
    return isinstance(number, int | float) and abs(number) <= LARGEST_FACTOR


def _refused(part: ast.AST, path: Path) -> InputError:
    code = " ".join(ast.unparse(part).split())[:60]
    what = f"refused: line {getattr(part, 'lineno', '?')} is code, not plain data ({code}), and code can do anything"
    return InputError(what, where=path, remedy=REMEDY)


def _grown(statement: ast.stmt, path: Path) -> InputError:
    what = f"refused: with line {statement.lineno} it assigns more than {LARGEST_SIZE} letters, repetitions written out"
    return InputError(what, where=path, remedy="Name a configuration of SCRFD")
