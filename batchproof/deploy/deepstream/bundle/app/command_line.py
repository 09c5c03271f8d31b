"""What the applications are told on their command lines."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from face_error import FaceAppError

PATIENCE = 300.0
"""Seconds without a frame after which a pipeline is given up; an nvinfer that builds an engine gives none."""

_EXAMPLES = """\
examples, from the bundle's folder, after `sh run.sh build`:
  python3 app/face_app.py video.mp4 --headless                        one line of JSON a face
  python3 app/face_app.py rtsp://camera/1 rtsp://camera/2 --headless  as many streams as the bundle is for
  python3 app/enroll.py people -o gallery.npz                         people/NAME/*.jpg become a gallery
  python3 app/face_app.py video.mp4 --gallery gallery.npz --top-k 3   with names, and a window that shows them
  python3 app/face_app.py video.mp4 --headless --embeddings --max-frames 100 > faces.jsonl

Lines go to stdout alone, or to --output; what DeepStream says goes to stderr. app/README.md describes the lines.
Exit status: 0 fine, 1 the pipeline or its engine failed, 2 something given is wrong or missing.
"""

_NOTES = """\
Pictures of one size go through the pipeline together, as many as the bundle has streams; each such run loads the
engines anew. All pictures of a person are kept, one embedding each: a face is as like a person as it is like the most
similar of them. A gallery is of one embedder; face_app.py refuses it in a bundle with another.

Turn pictures upright first: the orientation that a camera notes in a file (EXIF) is not looked at.

Exit status: 0 all enrolled, 1 some refused (the gallery has the others) or the pipeline failed, 2 nothing was made.
"""


def face_app_parser(program: str, document: str) -> argparse.ArgumentParser:
    """Build the parser of face_app.py; `document` begins with what the program is for."""
    options = _parser(program, document, _EXAMPLES)
    options.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="a video file, or a URI: rtsp://, http://, file://"
    )
    options.add_argument("--gallery", type=Path, metavar="FILE", help="people to recognise, made by enroll.py")
    options.add_argument("--top-k", type=whole, default=1, metavar="N", help="name the N most similar people (1)")
    options.add_argument(
        "--threshold", type=cosine, default=0.5, metavar="COSINE", help="nobody is named below this cosine (0.5)"
    )
    options.add_argument("--embeddings", action="store_true", help="write the embeddings, too")
    options.add_argument("--output", type=Path, metavar="FILE", help="write the lines here instead of to stdout")
    options.add_argument("--headless", action="store_true", help="show no window")
    options.add_argument("--max-frames", type=whole, default=0, metavar="N", help="end after N frames of all streams")
    options.add_argument(
        "--size", type=size, default=(1920, 1080), metavar="WxH", help="bring all frames to this size (1920x1080)"
    )
    options.add_argument("--live", action="store_true", help="sources are cameras; rtsp:// is taken for one anyway")
    _add_shared(options)
    return options


def _add_shared(options: argparse.ArgumentParser) -> None:
    """Add what enroll.py has as well."""
    options.add_argument(
        "--patience",
        type=seconds,
        default=PATIENCE,
        metavar="S",
        help=f"end after S seconds without a frame ({PATIENCE:g})",
    )
    options.add_argument(
        "--bundle", type=Path, default=Path(__file__).resolve().parents[1], metavar="DIR", help="the bundle (this one)"
    )


def enroll_parser(program: str, document: str) -> argparse.ArgumentParser:
    """Build the parser of enroll.py."""
    options = _parser(program, document, _NOTES)
    options.add_argument("people", type=Path, metavar="FOLDER", help="one folder a person, named as the person is")
    options.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the gallery, such as gallery.npz"
    )
    options.add_argument("--largest", action="store_true", help="of several faces take the largest, and refuse nothing")
    _add_shared(options)
    return options


def _parser(program: str, document: str, notes: str) -> argparse.ArgumentParser:
    described, _ = document.split("\n\n", 1)
    shape = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(program, description=described, epilog=notes, formatter_class=shape)


def uri(source: str) -> str:
    """Return `source` as a URI; raises `FaceAppError` for a file that is not there."""
    if "://" in source:
        return source
    path = Path(source)
    if not path.is_file():
        raise FaceAppError(f"{source} is no file, and no URI")
    return path.resolve().as_uri()


def whole(text: str) -> int:
    """Read a whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def cosine(text: str) -> float:
    """Read a number from -1 to 1."""
    number = float(text)
    if not -1 <= number <= 1:
        raise ValueError
    return number


def seconds(text: str) -> float:
    """Read a positive number."""
    number = float(text)
    if not number > 0:
        raise ValueError
    return number


def size(text: str) -> tuple[int, int]:
    """Read a width and a height in pixels, both even, as video has them."""
    found = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", text, re.ASCII)
    if not found:
        raise ValueError
    width, height = map(int, found.groups())
    if min(width, height) < 2 or width % 2 or height % 2:
        raise ValueError
    return width, height
