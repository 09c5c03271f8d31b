from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

import pytest

from batchproof.artifacts.manifest import Artifact, Manifest, Record
from batchproof.report.html import render
from batchproof.verdict import Status, Verdict
from tests.report.html.document import Node, parsed
from tests.report.html.stores import CULPRIT, ENGINE, EXPORTED, REPAIRED, SHA, SIDECAR, renamed, whole_run

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></title><h1>",
    "javascript:alert(1)",
    "a/../../b c?#%20",
    "two\nlines\x1b[31m",
    "<!-- -->",
]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for made in (EXPORTED, REPAIRED, ENGINE, SIDECAR):
        (tmp_path / made.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / made.path).touch()
    return tmp_path


def page(manifest: Manifest, store: Path) -> Node:
    return parsed(render(manifest, store))


def part(root: Node, title: str) -> Node:
    (found,) = (node for node in root.all("section") if node.all("h2")[0].text == title)
    return found


def rows(node: Node, table: int = 0) -> list[list[str]]:
    return [[cell.text for cell in row.all("td")] for row in node.all("table")[table].all("tr")[1:]]


def test_the_page_needs_nothing_but_itself(store: Path) -> None:
    root = page(whole_run(), store)
    assert not root.all("script")
    assert not [name for node in root.all("*") for name in node.attributes if name == "style" or name.startswith("on")]
    sources = [node.attributes.get(name) for node in root.all("*") for name in ("src", "srcset", "data", "action")]
    assert not any(sources)
    links = [node.attributes["href"] for node in root.all("*") if "href" in node.attributes]
    assert all(link.startswith(("#", "./", "data:,")) for link in links)
    (style,) = root.all("style")
    assert not re.search(r"url\(|@import|</", style.text)


def test_the_policy_allows_the_style_sheet_of_the_page_and_nothing_that_is_loaded(store: Path) -> None:
    root = page(whole_run(), store)
    digest = b64encode(sha256(root.all("style")[0].text.encode()).digest()).decode()
    (policy,) = (node.attributes["content"] for node in root.all("meta") if "http-equiv" in node.attributes)
    assert policy.split("; ")[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_more_than_text(store: Path, name: str) -> None:
    plain, hostile = page(renamed(whole_run(), "x"), store), page(renamed(whole_run(), name), store)
    shape = [(node.tag, sorted(node.attributes)) for node in plain.all("*") if node.tag != "wbr"]
    assert [(node.tag, sorted(node.attributes)) for node in hostile.all("*") if node.tag != "wbr"] == shape
    assert "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name) in hostile.text
    for link in (node.attributes["href"] for node in hostile.all("a")):
        assert link.startswith(("#", "./"))


@pytest.mark.parametrize("name", ["det", *HOSTILE])
def test_every_link_on_the_page_leads_somewhere_and_every_place_is_there_once(store: Path, name: str) -> None:
    root = page(renamed(whole_run(), name), store)
    places = [node.attributes["id"] for node in root.all("*") if "id" in node.attributes]
    assert len(set(places)) == len(places)
    targets = [node.attributes["href"] for node in root.all("a")]
    assert {unquote(target[1:]) for target in targets if target.startswith("#")} <= set(places)


def test_links_are_to_files_that_are_there(store: Path) -> None:
    odd = Artifact("build/rtx/a b#?%20:é.engine", SHA, 1)
    (store / odd.path).touch()
    (store / ENGINE.path).unlink()
    manifest = whole_run().with_record(Record("build", "build.rtx", "odd", "k", artifacts=(odd, ENGINE)))
    root = page(manifest, store)
    targets = {node.attributes["href"] for node in root.all("a") if node.attributes["href"].startswith("./")}
    assert {unquote(target) for target in targets} >= {f"./{odd.path}", f"./{EXPORTED.path}"}
    assert all((store / unquote(target)).is_file() for target in targets)
    assert "det.fp16.engine (gone)" in {node.text for node in root.all("span", "gone")}


def test_the_headline_counts_failures_and_says_when_there_are_none(store: Path) -> None:
    manifest = whole_run()
    (header,) = page(manifest, store).all("header")
    assert "1 of 11 verdicts failed" in header.text
    assert header.all("h1")[0].text == "buffalo"
    (fine,) = page(replace(manifest, records=manifest.records[:-1]), store).all("header")
    assert "Nothing failed" in fine.text
    assert "1 not run" in fine.text


def test_the_summary_is_the_matrix_and_what_does_not_hold(store: Path) -> None:
    summary = part(page(whole_run(), store), "Summary")
    assert rows(summary) == [
        ["det", "pass", "", "", "", "", ""],
        ["- fp16", "", "pass", "pass*", "proven", "pass", "fail"],
    ]
    failed, absent = summary.all("li")
    assert failed.text == "faildet.fp16 parity.box_shift 1.25 px (limit 1)a box moved (witness: lumia.jpg)"
    assert absent.text.startswith("not rundet.fp16 build.rtx.executes")


def test_the_defect_is_shown_before_and_after(store: Path) -> None:
    section = part(page(whole_run(), store), "The proof, before and after surgery")
    before, after = section.all("div", "pair")[0].children
    assert before.text == f"beforerefuted{CULPRIT}"
    assert after.text == "afterproven det.fp16.onnxrow n is a function of frame n alone"
    assert "1 of 2 places" in section.all("summary")[0].text
    assert [item.text.split(",")[0] for item in section.all("li")] == ["UnflattenBatch", "FreeResize"]


def test_the_probe_shows_the_worst_scene_and_behind_it_every_one(store: Path) -> None:
    section = part(page(whole_run(), store), "Does a neighbour change a row?")
    assert rows(section) == [
        ["rows", "pass", "", "", ""],
        ["contamination", "0", "≤ 0", "", ""],
        ["non invariance", "0.001", "≤ 0.01", "", "batch of 16"],
    ]
    assert len(rows(section, 1)) == 4


def test_figures_stand_beside_limits_and_bars(store: Path) -> None:
    root = page(whole_run(), store)
    assert rows(part(root, "Parity with insightface")) == [["box shift", "1.25 px", "≤ 1", "", "lumia.jpg"]]
    assert rows(part(root, "What FP16 costs")) == [["half share", "0.97", "≥ 0.9", "", ""]]
    assert len(part(root, "What FP16 costs").all("svg", "gauge")) == 1


def test_an_engine_has_target_profiles_size_and_seconds(store: Path) -> None:
    assert rows(part(page(whole_run(), store), "Engines")) == [
        ["det.fp16", "rtx", "pass*", "1,16,32@640x640", "3.45 MB", "0.26 s", "1.7.1, 94% half", ".engine.json"]
    ]


def test_a_record_with_unknown_profiles_is_shown_without_them(store: Path) -> None:
    record = Record("build", "build.rtx", "det", "k", settings={"profiles": [{"batch": 3}]})
    section = part(page(Manifest("p", records=(record,)), store), "Engines")
    assert rows(section) == [["det", "rtx", "", "", "", "", "", ""]]


def test_every_verdict_is_there_with_all_it_says_and_failures_are_open(store: Path) -> None:
    manifest = whole_run()
    section = part(page(manifest, store), "Every verdict")
    found = [row for table in range(2) for row in rows(section, table)]
    assert sorted(row[0] for row in found) == sorted(verdict.check for verdict in manifest.verdicts)
    assert ["parity.box_shift", "fail", "1.25 px", "≤ 1", "", "a box moved", "lumia.jpg"] in found
    assert ["open" in fold.attributes for fold in section.all("details")] == [False, True]


def test_artifacts_stand_with_their_model_in_the_order_of_the_pack(store: Path) -> None:
    whole = whole_run()
    verdicts = [Verdict("c", name, Status.PASS, "") for name in ("stray", "b.fp16", "a.b", "b", "a.b.fp32", "a.z")]
    models = dict.fromkeys(("b", "a", "a.b"), whole.models["det"])
    manifest = Manifest("p", models=models, records=(Record("export", "c", "b", "k", verdicts=tuple(verdicts)),))
    folds = part(page(manifest, store), "Every verdict").all("summary")
    assert [fold.all("b")[0].text for fold in folds] == ["b.fp16", "b", "a.z", "a.b", "a.b.fp32", "stray"]


def test_provenance_names_machines_tools_sources_hashes_and_parents(store: Path) -> None:
    section = part(page(whole_run(), store), "Environment and provenance")
    assert "Measured on: Linux x86_64, 2 CPUs" in section.text
    assert rows(section) == [["batchproof", "0.1.0"], ["onnx", "1.23.2, 1.22"]]
    assert rows(section, 1) == [["det.onnx", SHA]]
    repaired = next(row for row in rows(section, 2) if row[0] == REPAIRED.path)
    assert repaired[1:4] == [SHA, "1,653,587", EXPORTED.path]


def test_a_store_in_which_nothing_was_done_has_no_empty_sections(store: Path) -> None:
    root = page(Manifest("empty"), store)
    assert [node.text for node in root.all("h2")] == ["Summary"]
    assert [node.text for node in root.all("nav")[0].all("a")] == ["Summary"]


def test_the_same_store_gives_the_same_page(store: Path) -> None:
    assert render(whole_run(), store) == render(whole_run(), store)
