"""The one kind of error that the applications of this bundle end with: a line, and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable

USAGE, FAILED = 2, 1


class FaceAppError(Exception):
    """What went wrong and what helps; `status` is the exit status, 2 for input and surroundings, 1 for a failed run."""

    def __init__(self, message: str, status: int = USAGE) -> None:
        super().__init__(printable(message))
        self.status = status


def printable(text: str) -> str:
    """Replace what would break the line or steer a terminal: names come from files and folders."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def say(program: str, line: str) -> None:
    """Write one line for people: stdout is for JSON alone."""
    sys.stderr.write(f"{program}: {printable(line)}\n")


def ended(program: str, main: Callable[[], int]) -> int:
    """Run `main` and return the exit status; an error becomes its line."""
    try:
        return main()
    except FaceAppError as error:
        say(program, f"error: {error}")
        return error.status
    except BrokenPipeError:  # whoever read the lines has seen enough
        return FAILED
    except KeyboardInterrupt:
        return 130
