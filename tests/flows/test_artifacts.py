"""What steps leave beside the rows, on its way from a run into the Distiset and on from there."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import datasets
import pytest

from flows.distiset import Artifact, Distiset, NotADistiset, check_target, write_distiset
from flows.distiset.artifacts import artifacts_of
from flows.distiset.publishing import prepared
from flows.engine.options import RunOptions
from flows.engine.stages import keys_of
from flows.plan import plan
from flows.runners.inline import preview, run_inline
from flows.runs import RunFolder
from flows.spec import spec_from
from steps.artifacts import ARTIFACTS
from steps.errors import DistilflowError
from tests.flows.commands import Commands, kill, wait_for
from tests.flows.engine.running import own
from tests.flows.results import leave, make_plan, make_report, make_shelf


@pytest.fixture(autouse=True)
def own_steps_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "tests.flows.engine.own_steps")


def run(folder: Path, run_id: str, *steps: dict[str, Any], rows: int = 6, **options: Any) -> RunFolder:
    load = {"name": "load", "use": own("Numbers"), "with": {"rows": rows}}
    spec, _ = spec_from({"distilflow": 1, "steps": [load, *steps]})
    return run_inline(plan(spec), folder, run_id=run_id, options=RunOptions(**options))


def step(name: str, use: str, after: str = "load", **params: Any) -> dict[str, Any]:
    return {"name": name, "use": own(use), "after": after, "with": params}


def texts(folder: Path, file: str = "first.txt") -> dict[str, dict[str, str]]:
    """What the artifacts in a Distiset hold, by step and name."""
    found = artifacts_of(folder)
    return {at: {name: (one.path / file).read_text() for name, one in named.items()} for at, named in found.items()}


def written(tmp_path: Path, *leaves: str, target: str = "distiset") -> Path:
    """A Distiset with an artifact of the step `good`, written without an engine."""
    folder, planned = tmp_path / "run", make_plan(*leaves)
    folder.mkdir(exist_ok=True)
    (folder / "run.log").write_text("it ran\n")
    leave(folder, planned, "good", "plot", "drawn", {"type": "plot", "points": 3})
    shelf = tmp_path / f"shelves-{len(list(tmp_path.iterdir()))}"
    shelves = {leaf: make_shelf(shelf, leaf, [{"n": 1}, {"n": 2}]) for leaf in leaves}
    report = make_report(step_keys=keys_of(planned))
    write_distiset(tmp_path / target, planned, shelves, report, folder / "run.log")
    return tmp_path / target


# ---- from the run


def test_a_run_puts_them_into_its_distiset(tmp_path: Path) -> None:
    ended = run(tmp_path, "r", step("leave", "Leaves", text="ab"), step("every", "LeavesTotal", "leave"))

    distiset = Distiset.load_from_disk(ended.distiset)

    assert texts(ended.distiset) == {"leave": {"count": "6", "text": "ab" * 1000}, "every": {"total": "6"}}
    artifact = distiset.artifacts["leave"]["text"]
    assert artifact == Artifact(ended.distiset / ARTIFACTS / "leave" / "text", {"of": "ab"})
    assert list(artifact.files()) == ["first.txt", "more/second.txt"]
    assert "| `leave` | `text` | `first.txt`, `more/second.txt` | of: ab |" in distiset.card
    assert list(distiset) == ["default"]
    assert len(distiset["default"]["train"]) == 6


def test_only_steps_as_they_are_now_leave_some(tmp_path: Path) -> None:
    run(tmp_path, "r", step("leave", "Leaves", text="a"), step("gone", "Leaves", "leave", text="gone"))

    changed = run(tmp_path, "r", step("leave", "Leaves", text="b"))

    assert texts(changed.distiset) == {"leave": {"count": "6", "text": "b" * 1000}}
    assert "gone" not in changed.distiset.joinpath("README.md").read_text()


def test_a_resumed_run_keeps_those_of_steps_that_had_nothing_to_do(tmp_path: Path) -> None:
    run(tmp_path, "r", step("leave", "Leaves"), step("every", "LeavesTotal", "leave"))

    again = run(tmp_path, "r", step("leave", "Leaves"), step("every", "LeavesTotal", "leave"))

    assert texts(again.distiset) == {"leave": {"count": "6", "text": "a" * 1000}, "every": {"total": "6"}}


def test_they_are_taken_over_with_the_rows_of_another_run(tmp_path: Path) -> None:
    first = run(tmp_path, "first", step("leave", "Leaves"), step("other", "Leaves", "leave"), rows=4)

    second = run(
        tmp_path, "second", step("leave", "Leaves"), step("other", "Leaves", "leave", text="b"), rows=4, reuse=[first.path]
    )
    stranger = run(tmp_path, "stranger", step("leave", "Leaves"), rows=4)

    assert texts(second.distiset) == {"leave": {"count": "4", "text": "a" * 1000}, "other": {"count": "4", "text": "b" * 1000}}
    assert texts(stranger.distiset)["leave"]["count"] == "4"


def test_where_only_some_rows_are_taken_over_what_the_step_saved_now_counts(tmp_path: Path) -> None:
    first = run(tmp_path, "first", step("leave", "Leaves"), rows=4)

    second = run(tmp_path, "second", step("leave", "Leaves"), rows=6, reuse=[first.path])

    assert texts(second.distiset)["leave"]["count"] == "2"


def test_a_preview_keeps_none(tmp_path: Path) -> None:
    load = {"name": "load", "use": own("Numbers")}
    spec, _ = spec_from({"distilflow": 1, "steps": [load, step("leave", "Leaves")]})

    shown = preview(plan(spec), 2, runs_dir=tmp_path)

    assert len(shown.rows["leave"]) == 2
    assert list(tmp_path.rglob(f"*{ARTIFACTS}*")) == []


def test_the_parts_that_a_killed_worker_left_go(tmp_path: Path) -> None:
    ended = run(tmp_path, "r", step("leave", "Leaves", kill_once=str(tmp_path / "killed")))

    assert texts(ended.distiset)["leave"]["text"] == "a" * 1000
    assert list(ended.path.joinpath(ARTIFACTS).glob("*/*/*/.*")) == []


def test_a_run_that_is_killed_while_a_step_writes_has_them_after_it_went_on(commands: Commands) -> None:
    waits = {"name": "wait", "use": own("LeavesSlowly"), "after": "load", "with": {"begun": str(commands.folder / "begun")}}
    pipeline = commands.write([{"name": "load", "use": own("Numbers")}, waits])
    process = commands.start("run", pipeline, "--run-id", "r", "--no-prefect")
    wait_for((commands.folder / "begun").exists)
    kill(process)
    process.communicate()
    commands.wait_until_gone()
    assert list((commands.folder / "runs/r" / ARTIFACTS).glob("wait-*/*/text/[0-9]*")) == []

    assert commands("resume", "r", "--no-prefect").code == 0

    assert texts(commands.folder / "runs/r/distiset")["wait"] == {"text": "whole"}


def test_metadata_that_cannot_be_read_is_told_and_stops_nothing(tmp_path: Path) -> None:
    ended = run(tmp_path, "r", step("leave", "Leaves"))
    for path in ended.path.joinpath(ARTIFACTS).glob("leave-*/*/text/*/metadata.json"):
        path.write_text('{"of": ')

    again = run(tmp_path, "r", step("leave", "Leaves"))

    artifact = artifacts_of(again.distiset)["leave"]["text"]
    assert (artifact.metadata, artifact.problem.startswith("its metadata.json cannot be read")) == ({}, True)
    for name in ("README.md", "run.log"):
        assert "artifact 'text' of step 'leave': its metadata.json cannot be read" in (again.distiset / name).read_text()


# ---- in the Distiset


def test_an_earlier_distiset_is_replaced_with_its_artifacts(tmp_path: Path) -> None:
    folder = written(tmp_path, "good")
    (folder / ARTIFACTS / "good" / "old").mkdir()

    written(tmp_path, "good")

    assert [path.name for path in (folder / ARTIFACTS / "good").iterdir()] == ["plot"]


def test_a_folder_of_that_name_that_somebody_put_there_stays(tmp_path: Path) -> None:
    folder, planned = tmp_path / "distiset", make_plan("good")
    shelf = make_shelf(tmp_path / "shelf", "good", [{"n": 1}])
    for _ in range(2):
        write_distiset(folder, planned, {"good": shelf}, make_report(), tmp_path / "none.log")
        (folder / ARTIFACTS).mkdir(exist_ok=True)
        (folder / ARTIFACTS / "notes.txt").write_text("mine")

    write_distiset(folder, planned, {"good": shelf}, make_report(), tmp_path / "none.log")

    assert (folder / ARTIFACTS / "notes.txt").read_text() == "mine"
    assert Distiset.load_from_disk(folder).artifacts == {}


def test_a_leaf_of_that_name_and_artifacts_live_side_by_side(tmp_path: Path) -> None:
    folder = written(tmp_path, "good", "artifacts")

    distiset = Distiset.load_from_disk(folder)

    assert list(distiset) == ["good", "artifacts"]
    assert list(distiset.artifacts) == ["good"]
    distiset.save_to_disk(tmp_path / "again")
    assert texts(tmp_path / "again", "text.txt") == {"good": {"plot": "drawn"}}
    assert list(Distiset.load_from_disk(tmp_path / "again")) == ["good", "artifacts"]


def test_they_are_loaded_saved_and_split(tmp_path: Path) -> None:
    distiset = Distiset.load_from_disk(written(tmp_path, "good"))

    distiset.train_test_split(0.5).save_to_disk(tmp_path / "split")

    again = Distiset.load_from_disk(tmp_path / "split")
    assert again.artifacts["good"]["plot"].metadata == {"type": "plot", "points": 3}
    assert texts(tmp_path / "split", "text.txt") == {"good": {"plot": "drawn"}}
    (tmp_path / "split" / ARTIFACTS / "good" / "plot" / "text.txt").write_text("changed")
    assert texts(tmp_path / "distiset", "text.txt") == {"good": {"plot": "drawn"}}
    loaded = datasets.load_dataset(str(tmp_path / "split"), cache_dir=str(tmp_path / "cache"))
    assert {split: rows.column_names for split, rows in loaded.items()} == {"train": ["n"], "test": ["n"]}


def test_saving_over_the_folder_it_was_loaded_from_keeps_them(tmp_path: Path) -> None:
    folder = written(tmp_path, "good")

    Distiset.load_from_disk(folder).save_to_disk(folder)

    assert texts(folder, "text.txt") == {"good": {"plot": "drawn"}}


def test_one_whose_files_are_gone_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path, "good")
    distiset = Distiset.load_from_disk(folder)
    folder.rename(tmp_path / "moved")

    with pytest.raises(DistilflowError, match="the artifact 'plot' of step 'good' is gone"):
        distiset.save_to_disk(tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("", "cannot be read"),
        ("[1]", "holds no mapping"),
        (None, "it has no metadata.json"),
        ('"' + "x" * 2_000_000, "has more than 1,048,576 bytes"),
    ],
    ids=["torn", "a-list", "missing", "huge"],
)
def test_a_distiset_with_damaged_metadata_loads_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str | None, said: str
) -> None:
    folder = written(tmp_path, "good")
    path = folder / ARTIFACTS / "good" / "plot" / "metadata.json"
    path.unlink()
    if damage is not None:
        path.write_text(damage)

    with caplog.at_level(logging.WARNING):
        distiset = Distiset.load_from_disk(folder)

    assert (distiset.artifacts["good"]["plot"].metadata, len(distiset["default"]["train"])) == ({}, 2)
    assert [message for message in caplog.messages if said in message and "'plot' of step 'good'" in message]


def test_links_out_of_a_distiset_lead_nowhere(tmp_path: Path) -> None:
    folder = written(tmp_path, "good")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "metadata.json").write_text("{}")
    (folder / ARTIFACTS / "good" / "plot" / "link").symlink_to(tmp_path / "secret" / "metadata.json")
    (folder / ARTIFACTS / "good" / "out").symlink_to(tmp_path / "secret")
    (folder / ARTIFACTS / "out").symlink_to(tmp_path)

    found = artifacts_of(folder)

    assert {step: list(named) for step, named in found.items()} == {"good": ["plot"]}
    assert list(found["good"]["plot"].files()) == ["text.txt"]


def test_artifacts_alone_are_no_distiset(tmp_path: Path) -> None:
    (tmp_path / ARTIFACTS / "good" / "plot").mkdir(parents=True)
    (tmp_path / ARTIFACTS / "good" / "plot" / "metadata.json").write_text("{}")

    with pytest.raises(NotADistiset):
        check_target(tmp_path)
    with pytest.raises(NotADistiset):
        Distiset.load_from_disk(tmp_path)


# ---- handed on


def test_what_is_published_holds_them(tmp_path: Path) -> None:
    ended = run(tmp_path, "r", step("leave", "Leaves"))

    with prepared(ended) as folder:
        assert texts(folder)["leave"]["text"] == "a" * 1000
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    assert {"artifacts/leave/text/metadata.json", "artifacts/leave/text/more/second.txt", "README.md"} <= names


def test_they_are_no_copies_where_the_disk_knows_links(tmp_path: Path) -> None:
    ended = run(tmp_path, "r", step("leave", "Leaves"))

    [kept] = ended.path.joinpath(ARTIFACTS).glob("leave-*/*/text/*/first.txt")
    assert kept.samefile(ended.distiset / ARTIFACTS / "leave" / "text" / "first.txt")


def test_a_distiset_on_another_disk_has_copies(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not os.access(other, os.W_OK) or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other disk")
    with tempfile.TemporaryDirectory(dir=other) as folder:
        run(tmp_path, "r", step("leave", "Leaves"), output=Path(folder) / "distiset")

        assert texts(Path(folder) / "distiset") == {"leave": {"count": "6", "text": "a" * 1000}}


# ---- of our steps

CLUSTERED = [
    {"text": f"{animal} {at}", "projection": [float(cluster), at / 10], "cluster_label": cluster}
    for cluster, animal in ((0, "fox"), (1, "crow"), (-1, "?"))
    for at in range(6)
]


def clusters(folder: Path, run_id: str, **params: Any) -> RunFolder:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": CLUSTERED}}
    name = {"name": "name", "use": "TextClustering", "after": "load", "with": params}
    spec, _ = spec_from({"distilflow": 1, "steps": [load, name]})
    return run_inline(plan(spec), folder, run_id=run_id)


def test_clusters_are_drawn_of_all_rows_also_of_those_that_were_labelled_before(tmp_path: Path) -> None:
    if find_spec("matplotlib") is None:
        pytest.skip("matplotlib draws it")

    def drawn(run: RunFolder) -> bytes:
        artifact = artifacts_of(run.distiset)["name"]["Text Clusters"]
        assert artifact.metadata == {"type": "image", "library": "matplotlib", "rows": len(CLUSTERED), "clusters": 2}
        return artifact.files()["figure_clustering.png"].read_bytes()

    once = drawn(clusters(tmp_path, "once"))
    again = drawn(clusters(tmp_path, "once"))

    assert once.startswith(b"\x89PNG")
    assert again == once


def test_without_the_library_clusters_are_named_and_the_log_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    ended = clusters(tmp_path, "r")

    assert ended.report().rows == {"default": len(CLUSTERED)}
    [line] = [line for line in ended.log.read_text().splitlines() if "matplotlib" in line]
    assert "step 'name': a figure of the clusters needs `matplotlib`" in line
    assert "pip install 'distilflow[clustering]'" in line
    assert artifacts_of(ended.distiset) == {}


def test_no_figure_is_drawn_where_none_is_wanted(tmp_path: Path) -> None:
    ended = clusters(tmp_path, "r", savefig=False)

    assert artifacts_of(ended.distiset) == {}
    assert "matplotlib" not in ended.log.read_text()
