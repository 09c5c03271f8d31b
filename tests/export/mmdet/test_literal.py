from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from batchproof.errors import InputError
from batchproof.export.mmdet.literal import LARGEST_CONFIG, MOST_FILES, PlainFile, read_plain
from batchproof.zoo.pack import ConfigFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.py"


PLAIN = '''"""A text."""
lr_mult = 8
step = [55 * lr_mult, -68 + 2 // 1, (1.5 / 2,)]
model = dict(type="SCRFD", block_cfg={"planes": [1] * 3, None: not True}, **{"x": step})
'''


def test_data_in_every_form_passes_and_means_the_same(path: Path) -> None:
    path.write_text(PLAIN)
    plain = read_plain(path)
    assert (plain.path, plain.bases) == (path, ())
    assert {**_run(plain.assignments), "__doc__": "A text."} == _run(PLAIN)


def _run(code: str) -> dict[str, object]:
    values: dict[str, object] = {}
    exec(code, {}, values)
    return values


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("import os", "import os"),
        ("from os import system", "from os import system"),
        ("x = __import__('os').system('touch victim')", r"__import__\('os'\)\.system"),
        ("x = 1\nprint(x)", r"\(print\(x\)\)"),
        ("x = exec", r"\(exec\)"),
        ("dict = __import__\nx = dict(name='os')", "dict = __import__"),
        ("__builtins__ = 1", "__builtins__ = 1"),
        ("x = dict([(1, 2)])", r"dict\(\[\(1, 2\)\]\)"),
        ("x = dict(a=dict.fromkeys('ab'))", "dict.fromkeys"),
        ("x = [y for y in (1, 2)]", "for y in"),
        ("x = (lambda: 1)()", "lambda"),
        ("x = f'{1}'", r"f'\{1\}'"),
        ("x = 'a'.upper()", "upper"),
        ("x = 10 ** 10 ** 10", r"10 \*\* 10"),
        ("x = y", r"\(y\)"),
        ("_base_ = []\nx = dict(y=_base_)", r"\(_base_\)"),
        ("x = [*(1, 2)]", r"\*\(1, 2\)"),
        ("x = y = 1", "x = y = 1"),
        ("x.y = 1", r"x\.y = 1"),
        ("x: exec('1') = 1", "exec"),
        ("x = 1\nx += 1", r"x \+= 1"),
        ("with open('x') as x:\n    pass", "with open"),
        ("def f():\n    pass", "def f"),
        ("x = 1 if True else 2", "if True"),
        ("x = (y := 1)", "y := 1"),
    ],
)
def test_code_is_refused_with_its_line(path: Path, code: str, shown: str) -> None:
    path.write_text(code)
    with pytest.raises(InputError, match=rf"config\.py: refused: line \d is code, .*{shown}"):
        read_plain(path)


@pytest.mark.parametrize(
    "text", ["x = '{{ fileDirname }}'", "x = '{{$HOME:1}}'", "x = '{{_base_.y}}'", "# {{", "x = '{' '{y}}'"]
)
def test_what_mmengine_would_replace_by_other_text_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(InputError, match="refused: it has a template"):
        read_plain(path)


@pytest.mark.parametrize("content", [b"x = (", b"x = 1\x00", b"\xff\xfe", b"x = " + b"(" * 5000 + b")" * 5000])
def test_what_is_no_python_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no Python that can be read"):
        read_plain(path)


def test_only_small_python_files_are_read(tmp_path: Path, path: Path) -> None:
    path.write_bytes(b"#" * (LARGEST_CONFIG + 1))
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "config.yaml").write_text("")
    faults = {
        "config.py": f"{LARGEST_CONFIG + 1} bytes are too large, {LARGEST_CONFIG} are allowed",
        "config.yaml": r"is no \.py file",
        "folder.py": r"cannot be read \(Is a directory",
        "no.py": r"cannot be read \(No such file",
    }
    for name, fault in faults.items():
        with pytest.raises(InputError, match=rf"{name}: {fault}"):
            read_plain(tmp_path / name)


def test_line_ends_and_byte_order_marks_of_windows_mean_nothing(path: Path) -> None:
    path.write_bytes(b'\xef\xbb\xbfx = 1\r\ny = """a\r\nb"""\r\n')
    assert _run(read_plain(path).assignments) == {"x": 1, "y": "a\nb"}


def test_bases_are_checked_too(path: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.py").write_text("_base_ = '../two.py'")
    (tmp_path / "two.py").write_text("x = 1")
    path.write_text("_base_ = ['deep/one.py', './two.py']")
    two = PlainFile(tmp_path / "two.py", "x = 1", (), _sha256(tmp_path / "two.py"))
    one = PlainFile(tmp_path / "deep" / "one.py", "", (two,), _sha256(tmp_path / "deep" / "one.py"))
    assert read_plain(path) == PlainFile(path, "", (one, two), _sha256(path))
    (tmp_path / "two.py").write_text("import os")
    with pytest.raises(InputError, match=r"two\.py: refused: line 1"):
        read_plain(path)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_file_is_named_once_with_the_hash_of_what_was_read(path: Path, tmp_path: Path) -> None:
    one, two, three = (tmp_path / f"{name}.py" for name in ("one", "two", "three"))
    path.write_text("_base_ = ['one.py', 'three.py']")
    one.write_text("_base_ = ['two.py', 'three.py']")
    two.write_bytes(b"\xef\xbb\xbfx = 1\r\n")
    three.write_text("z = 1")
    expected = tuple(ConfigFile(file, _sha256(file)) for file in (path, one, two, three))
    plain = read_plain(path)
    for file in expected:
        file.path.write_text("y = 2")
    assert plain.files == expected


def test_the_base_that_mmengine_finds_is_the_one_checked(path: Path, tmp_path: Path) -> None:
    """Behind a symlink, '..' means one folder to the system and another to mmengine."""
    (tmp_path / "elsewhere" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "inner")
    (tmp_path / "elsewhere" / "base.py").write_text("x = 1")
    (tmp_path / "base.py").write_text("import os")
    path.write_text("_base_ = 'link/../base.py'")
    with pytest.raises(InputError, match="import os"):
        read_plain(path)


@pytest.mark.parametrize("base", ["'mmdet::base.py'", "'https://example.com/base.py'"])
def test_bases_from_elsewhere_are_refused(path: Path, base: str) -> None:
    path.write_text(f"_base_ = {base}")
    with pytest.raises(InputError, match="which is no file"):
        read_plain(path)


@pytest.mark.parametrize("base", ["1", "[1]", "'a' + '.py'", "{'a': 1}", "'a.py'\n_base_ = 'b.py'"])
def test_bases_are_named_once_and_literally(path: Path, base: str) -> None:
    path.write_text(f"_base_ = {base}")
    with pytest.raises(InputError, match="_base_ is no text and no list of texts"):
        read_plain(path)


def test_a_configuration_that_builds_upon_itself_is_refused(path: Path) -> None:
    path.write_text("_base_ = 'config.py'")
    with pytest.raises(InputError, match=rf"config\.py: is one of more than {MOST_FILES} files that build upon each"):
        read_plain(path)
