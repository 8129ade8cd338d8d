"""The result of a run, on disk and in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest

from flows.distiset import Distiset, NotADistiset, check_target, head, result, write_distiset
from flows.engine.keys import step_keys
from flows.runs import RunReport
from flows.spec import load_spec
from steps.errors import DistilflowError
from tests.flows.results import Rows, make_plan, make_report, make_shelf, quarantine

ROWS: Rows = [{"n": number, "text": f"row {number}", "extra": None} for number in range(10)]


def write(tmp_path: Path, leaves: dict[str, Rows], target: Path | None = None, **changes: Any) -> Path:
    run = tmp_path / "run"
    run.mkdir(exist_ok=True)
    (run / "run.log").write_text("it ran\n")
    shelves = {
        leaf: make_shelf(tmp_path / f"made-{len(list(tmp_path.iterdir()))}", leaf, rows) for leaf, rows in leaves.items()
    }
    folder = target or tmp_path / "distiset"
    counted = write_distiset(folder, make_plan(*leaves), shelves, make_report(**changes), run / "run.log")
    assert sum(counted.values()) == sum(map(len, leaves.values()))
    return folder


def test_two_leaves_come_back_in_the_order_of_the_source(tmp_path: Path) -> None:
    distiset = Distiset.load_from_disk(write(tmp_path, {"zoo": ROWS, "ant": ROWS[:2]}))

    assert {leaf: list(splits) for leaf, splits in distiset.items()} == {"zoo": ["train"], "ant": ["train"]}
    assert distiset["zoo"]["train"].column_names == ["text", "n", "extra"]
    assert distiset["zoo"]["train"]["n"][:] == list(range(10))


def test_a_single_leaf_is_named_default(tmp_path: Path) -> None:
    folder = write(tmp_path, {"good": ROWS})

    assert list(Distiset.load_from_disk(folder)) == ["default"]
    assert head(folder, "default", 2) == [{"text": f"row {n}", "n": n, "extra": None} for n in (0, 1)]


def test_datasets_loads_the_folder(tmp_path: Path) -> None:
    folder = write(tmp_path, {"zoo": ROWS, "ant": ROWS[:2]})

    loaded = datasets.load_dataset(str(folder), "ant", cache_dir=str(tmp_path / "cache"))

    assert loaded["train"]["n"][:] == [0, 1]


def test_an_empty_leaf_has_its_columns(tmp_path: Path) -> None:
    distiset = Distiset.load_from_disk(write(tmp_path, {"good": []}))

    assert distiset["default"]["train"].column_names == ["text", "n"]
    assert len(distiset["default"]["train"]) == 0


def test_pipeline_report_and_log_lie_beside_the_rows(tmp_path: Path) -> None:
    folder = write(tmp_path, {"good": [*ROWS, {"n": "text"}]})

    assert load_spec(folder / "pipeline.yaml") == make_plan("good").spec
    report = RunReport.model_validate_json((folder / "report.json").read_bytes())
    assert (report.rows, report.state) == ({"default": 11}, "finished")
    assert "it ran" in (folder / "run.log").read_text()
    for name in ("run.log", "README.md"):
        assert "holds int (row 0) and text (row 10)" in (folder / name).read_text()


def test_the_card_counts_reasons_of_the_steps_as_they_are_now(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    key = step_keys(make_plan("good"))["good"]
    quarantine(tmp_path / "run", "good", key, "too long", rows=3)
    quarantine(tmp_path / "run", "good", "an earlier version", "gone", rows=5)

    card = (write(tmp_path, {"good": ROWS}, quarantined=3) / "README.md").read_text()

    assert "| `good` | `row-failed` | 3 | too long |" in card
    assert "gone" not in card


# ---- folders


def test_a_folder_of_the_users_is_refused_and_stays(tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    (target / "thesis.txt").write_text("years of work")

    with pytest.raises(NotADistiset, match=r"is not empty and holds no Distiset"):
        write(tmp_path, {"good": ROWS}, target)

    assert [path.name for path in target.iterdir()] == ["thesis.txt"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_report_of_something_else_does_not_make_a_distiset(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"sales": 3}')

    with pytest.raises(NotADistiset):
        check_target(tmp_path)


def test_an_earlier_distiset_is_replaced_and_what_was_put_beside_it_stays(tmp_path: Path) -> None:
    folder = write(tmp_path, {"old": ROWS, "older": ROWS})
    (folder / "notes.txt").write_text("mine")
    (folder / "figures").mkdir()

    write(tmp_path, {"good": ROWS[:3]})

    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [".lineage", "README.md", "default", "figures", "notes.txt", "pipeline.yaml", "report.json", "run.log"]
    )


@pytest.mark.parametrize("is_swapped", [False, True])
def test_what_a_killed_process_left_is_put_in_order(tmp_path: Path, is_swapped: bool) -> None:
    folder = write(tmp_path, {"old": ROWS})
    (folder / "notes.txt").write_text("mine")
    gone = subprocess.Popen(["true"])
    gone.wait()
    folder.rename(old := folder.with_name(f".{folder.name}.old-{gone.pid}-0badcafe"))
    part = folder.with_name(f".{folder.name}.part-{gone.pid}-0badcafe")
    part.mkdir()
    if is_swapped:
        (tmp_path / "other").mkdir()
        write(tmp_path / "other", {"new": ROWS}).rename(folder)

    write(tmp_path, {"good": ROWS[:3]})

    assert (folder / "notes.txt").read_text() == "mine"
    assert not old.exists()
    assert not part.exists()


@pytest.mark.parametrize("now", ["empty", "foreign", "file"])
def test_the_last_result_stays_wherever_a_killed_process_left_it_until_there_is_another(tmp_path: Path, now: str) -> None:
    folder = write(tmp_path, {"old": ROWS})
    gone = subprocess.Popen(["true"])
    gone.wait()
    folder.rename(old := folder.with_name(f".{folder.name}.old-{gone.pid}-0badcafe"))
    if now == "file":
        folder.write_text("mine")
    else:
        folder.mkdir()
        if now == "foreign":
            (folder / "mine.txt").write_text("mine")

    with pytest.raises((NotADistiset, FileNotFoundError)):
        write_distiset(folder, make_plan("good"), {"good": tmp_path / "none"}, make_report(), tmp_path / "none.log")

    assert (old if old.exists() else folder).joinpath("report.json").exists()


def test_a_failed_write_changes_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path, {"good": ROWS})
    before = (folder / "report.json").read_bytes()

    with pytest.raises(FileNotFoundError):
        write_distiset(folder, make_plan("good"), {"good": tmp_path / "none"}, make_report(), tmp_path / "none.log")

    assert (folder / "report.json").read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_empty_folder_and_a_link_are_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    write(tmp_path, {"good": ROWS}, tmp_path / "link")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "report.json").exists()


def test_a_folder_without_a_distiset_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotADistiset, match="holds no Distiset"):
        Distiset.load_from_disk(tmp_path)
    with pytest.raises(NotADistiset, match="there is no folder"):
        Distiset.load_from_disk(tmp_path / "none")
    with pytest.raises(NotADistiset, match="it has default"):
        head(write(tmp_path, {"good": ROWS}), "good")


# ---- in memory


def test_splits_are_saved_and_loaded(tmp_path: Path) -> None:
    distiset = Distiset.load_from_disk(write(tmp_path, {"zoo": ROWS, "ant": ROWS}))

    distiset.train_test_split(0.7, seed=3).save_to_disk(tmp_path / "split")

    again = Distiset.load_from_disk(tmp_path / "split")
    assert {split: len(rows) for split, rows in again["zoo"].items()} == {"train": 7, "test": 3}
    assert sorted([*again["ant"]["train"]["n"], *again["ant"]["test"]["n"]]) == list(range(10))
    assert again.files["pipeline.yaml"] == distiset.files["pipeline.yaml"]
    assert again.report is not None
    loaded = datasets.load_dataset(str(tmp_path / "split"), "ant", split="test", cache_dir=str(tmp_path / "cache"))
    assert len(loaded) == 3
    assert "zoo" in distiset.card


def test_large_files_are_mapped_and_never_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(result, "MAX_IN_MEMORY", 0)

    for count in (4, 7):
        folder = write(tmp_path, {"good": ROWS[:count]})
        rows = Distiset.load_from_disk(folder)["default"]["train"]
        assert len(rows) == count
        assert rows.cache_files


def test_without_shuffling_the_order_stays() -> None:
    parted = Distiset({"default": datasets.Dataset.from_dict({"n": [1, 2, 3, 4]})}).train_test_split(0.5, shuffle=False)

    assert (parted["default"]["train"]["n"][:], parted["default"]["test"]["n"][:]) == ([1, 2], [3, 4])


@pytest.mark.parametrize(("rows", "size", "said"), [(1, 0.8, "the 1 rows of leaf"), (9, 1.5, "train_size is 1.5")])
def test_what_cannot_be_split_says_why(rows: int, size: float, said: str) -> None:
    distiset = Distiset({"default": datasets.Dataset.from_dict({"n": list(range(rows))})})

    with pytest.raises(DistilflowError, match=said):
        distiset.train_test_split(size)


def test_a_split_leaf_is_not_split_again() -> None:
    distiset = Distiset({"default": datasets.Dataset.from_dict({"n": [1, 2, 3, 4]})}).train_test_split(0.5)

    with pytest.raises(DistilflowError, match="split already: train, test"):
        distiset.train_test_split(0.5)


def test_one_made_by_hand_can_be_saved_twice(tmp_path: Path) -> None:
    distiset = Distiset({"default": datasets.Dataset.from_dict({"n": [1, 2]})})

    for _ in range(2):
        distiset.save_to_disk(tmp_path / "mine")

    assert json.loads((tmp_path / "mine" / "report.json").read_text())["rows"] == {"default": 2}
    assert Distiset.load_from_disk(tmp_path / "mine")["default"]["train"]["n"][:] == [1, 2]


def test_importing_is_cheap() -> None:
    program = "import sys, flows.distiset; print([m for m in ('datasets', 'pyarrow', 'huggingface_hub') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
