import logging

from batchproof.build.tensorrt.build_log import BuildLog


def log_of(*messages: tuple[int, str]) -> BuildLog:
    log = BuildLog()
    for level, text in messages:
        log.emit(logging.LogRecord("Polygraphy", level, __file__, 1, text, None, None))
    return log


def test_the_parser_which_names_the_node_is_heard_first() -> None:
    log = log_of((logging.ERROR, "[E] something\n general"), (logging.ERROR, "[!] In node 3 with name: dice"))
    assert log.sentence("otherwise") == "In node 3 with name: dice"


def test_a_layer_without_implementation_is_named() -> None:
    log = log_of((logging.ERROR, "[E] Error 9: head_nms_0 has no runners that implement it"))
    assert log.sentence("otherwise") == "layer 'head_nms_0' has no implementation in this TensorRT"


def test_without_an_error_the_exception_speaks() -> None:
    assert log_of((logging.WARNING, "[W] careful")).sentence("otherwise") == "otherwise"


def test_warnings_are_kept_once_and_only_the_first_few() -> None:
    log = log_of(*[(logging.WARNING, f"[W] warning {number % 7}") for number in range(14)])
    assert log.warnings == (*(f"warning {number}" for number in range(5)), "and 2 more")
    assert log.errors == []
