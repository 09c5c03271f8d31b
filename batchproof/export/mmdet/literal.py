"""mmdet's configuration files are Python, which mmengine runs. This lets through only those that are plain data.

Plain data are assignments of numbers, texts, lists, tuples, dictionaries and `dict(key=value)`, of names assigned
above, and of sums, differences, products and quotients of these. There is no import, no call of anything but `dict`,
no attribute, no loop; and a product has a number of at most 10,000 in it, so that running the file can do nothing but
assign values that are not much larger than the file.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping, Set
from pathlib import Path

from batchproof.errors import InputError

LARGEST_CONFIG = 2**20  # bytes; the published ones have 8000

LARGEST_VALUE = 100_000  # numbers, texts and containers in one assignment
LARGEST_FACTOR = 10_000

DEEPEST = 10  # bases of bases
BASE = "_base_"
_REMEDY = "If you trust it, write out what mmengine.Config.fromfile(...).pretty_text makes of it, and name that"
_PLAIN = (ast.Constant, ast.List, ast.Tuple, ast.Dict)
_OPERATORS = (ast.UAdd, ast.USub, ast.Not, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv)


def check_plain(path: Path) -> list[Path]:
    """Return the configuration at `path` and all that it builds upon, every one read and found to be plain data.

    Raises `InputError` at the first line that is more, for bases that are no Python files or are built upon themselves,
    and for files that cannot be read.
    """
    return _checked(_as_mmengine_finds(path), depth=0)


def _checked(path: Path, depth: int) -> list[Path]:
    if depth > DEEPEST:
        what = f"stands {depth} bases deep: they build upon themselves, or upon too many"
        raise InputError(what, where=path, remedy=f"Build upon at most {DEEPEST}")
    try:
        tree = ast.parse(_text(path))
        _check_statements(tree, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"is no Python that can be read ({error})", where=path, remedy="Check the file") from error
    bases = [_as_mmengine_finds(path.parent / name) for name in _base_names(tree, path)]
    return [path, *(found for base in bases for found in _checked(base, depth + 1))]


def _text(path: Path) -> str:
    try:
        if path.suffix != ".py" or path.stat().st_size > LARGEST_CONFIG or not path.is_file():
            raise InputError("no .py file of at most 1 MiB", where=path, remedy="Name a configuration of SCRFD")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path, remedy="Check the path") from error
    if "{{" in text:  # what mmengine would replace, by text from elsewhere, before it runs the file
        raise InputError("refused: it has a template '{{...}}'", where=path, remedy=_REMEDY)
    return text


def _as_mmengine_finds(path: Path) -> Path:
    """Take '..' away by its letters, as mmengine does, so that what it runs is what was checked, symlinks or not."""
    return Path(os.path.abspath(path))  # noqa: PTH100  (pathlib follows symlinks)


def _check_statements(tree: ast.Module, path: Path) -> None:
    assigned: dict[str, int] = {}
    for statement in tree.body:
        target = _target(statement)
        if target is not None and isinstance(statement, ast.Assign):
            odd: ast.AST | None = _first_odd(statement.value, assigned.keys())
            assigned[target] = _size(statement.value, assigned)
            odd = odd or (statement if assigned[target] > LARGEST_VALUE else None)
        else:
            odd = None if _is_text(statement) else statement
        if odd is not None:
            raise _refused(odd, path)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _target(statement: ast.stmt) -> str | None:
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
    """Bound the number of values in an expression: names stand for all that they hold, products repeat."""
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
    return InputError(what, where=path, remedy=_REMEDY)


def _base_names(tree: ast.Module, path: Path) -> list[str]:
    values = [s.value for s in tree.body if isinstance(s, ast.Assign) and _target(s) == BASE]
    if not values:
        return []
    try:
        names = ast.literal_eval(values[0])
    except (TypeError, ValueError):
        names = None
    names = [names] if isinstance(names, str) else names
    if len(values) > 1 or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"its {BASE} is no text and no list of texts", where=path, remedy="Name files beside it")
    if foreign := [name for name in names if "::" in name or "://" in name]:
        raise InputError(f"builds upon '{foreign[0]}', which is no file", where=path, remedy="Name files beside it")
    return names
