"""The artifacts of a run in the app: listed, shown where that is safe, downloaded, pushed, and nothing else of the disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from app.context import AppContext
from app.handlers import artifacts, downloads, hand_edits, push_checks
from app.handlers.watching import run_view
from flows.runs import RunFolder
from tests.app.made import PART

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50
BASE = "/api/runs/sample-1/artifacts"


def leave(run: RunFolder, files: Mapping[str, bytes], name: str = "plot", step: str = "answer") -> Path:
    """Have an artifact lie beside the rows of a run."""
    folder = run.distiset / "artifacts" / step / name
    for path, content in {"metadata.json": b'{"rows": 3, "about": "<b>bold</b>"}', **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture
def run(ctx: AppContext) -> RunFolder:
    found = ctx.store.get("sample-1")
    leave(
        found, {"model/weights.bin": b"\x00\x01", "plot.PNG": PNG, "page.html": b"<script>1</script>", "drawing.svg": b"<svg/>"}
    )
    return found


async def test_artifacts_are_listed_with_what_their_steps_say(run: RunFolder, client: httpx.AsyncClient) -> None:
    [told] = (await client.get(BASE)).json()

    assert (told["step"], told["name"], told["problem"]) == ("answer", "plot", "")
    assert told["metadata"] == [["rows", "3"], ["about", "<b>bold</b>"]]
    assert [(file["name"], file["size"], file["is_image"]) for file in told["files"]] == [
        ("plot.PNG", 58, True),
        ("drawing.svg", 6, False),
        ("model/weights.bin", 2, False),
        ("page.html", 18, False),
    ]
    assert (await client.get("/api/runs/sample-1")).json()["artifacts"] == 1


async def test_a_run_without_any_says_so(client: httpx.AsyncClient) -> None:
    assert (await client.get(BASE)).json() == []
    assert (await client.get("/api/runs/sample-1")).json()["artifacts"] == 0


@pytest.mark.parametrize(
    ("file", "kind", "how"),
    [
        ("plot.PNG", "image/png", "inline"),
        ("drawing.svg", "application/octet-stream", "attachment"),
        ("page.html", "application/octet-stream", "attachment"),
        ("model/weights.bin", "application/octet-stream", "attachment"),
    ],
)
async def test_only_images_without_scripts_are_shown_in_the_browser(
    run: RunFolder, client: httpx.AsyncClient, file: str, kind: str, how: str
) -> None:
    reply = await client.get(f"{BASE}/file", params={"step": "answer", "name": "plot", "file": file})

    assert reply.content == (run.distiset / "artifacts" / "answer" / "plot" / file).read_bytes()
    assert reply.headers["content-type"] == kind
    assert reply.headers["content-disposition"] == f'{how}; filename="{Path(file).name}"'
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize(
    ("step", "name", "file"),
    [
        ("answer", "plot", "../../../README.md"),
        ("answer", "plot", "/etc/passwd"),
        ("answer", "plot", "metadata.json"),
        ("answer", "plot", "model"),
        ("answer", "plot", "link"),
        ("answer", "plot", "folder/secret"),
        ("answer", "..", "plot/plot.PNG"),
        ("answer", "out", "secret"),
        ("..", "default", "train-00000-of-00001.parquet"),
        ("answer", "", ""),
        ("answer", "plot", "\0"),
    ],
)
async def test_no_other_file_of_the_disk_is_served(
    run: RunFolder, client: httpx.AsyncClient, tmp_path: Path, step: str, name: str, file: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("secret")
    plot = run.distiset / "artifacts" / "answer" / "plot"
    (plot / "link").symlink_to(tmp_path / "elsewhere" / "secret")
    (plot / "folder").symlink_to(tmp_path / "elsewhere")
    (plot.parent / "out").symlink_to(tmp_path / "elsewhere")

    reply = await client.get(f"{BASE}/file", params={"step": step, "name": name, "file": file})

    assert (reply.status_code, reply.json()["code"]) == (404, "unknown-artifact")


def test_many_files_and_much_metadata_are_cut(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    folder = leave(run, {f"{at}.txt": b"" for at in range(artifacts.FILES_LISTED + 5)})
    (folder / "metadata.json").write_text("{" + ", ".join(f'"k{at}": "{"x" * 999}"' for at in range(99)) + "}")

    [told] = artifacts.list_artifacts(run)

    assert (len(told["files"]), told["more"]) == (artifacts.FILES_LISTED, 5)
    assert (len(told["metadata"]), len(told["metadata"][0][1])) == (artifacts.METADATA_LISTED, artifacts.LONGEST_VALUE)


def test_damaged_metadata_is_told(run: RunFolder) -> None:
    (run.distiset / "artifacts" / "answer" / "plot" / "metadata.json").write_text("{")

    [told] = artifacts.list_artifacts(run)

    assert told["problem"].startswith("its metadata.json cannot be read")
    assert (told["metadata"], len(told["files"])) == ([], 4)
    assert run_view(run)["artifacts"] == 1


def test_they_are_in_the_download_and_stay_when_rows_are_edited(run: RunFolder) -> None:
    hand_edits.drop_row(run, PART, 0)

    path = downloads.zip_result(run)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        names = archive.namelist()
    path.unlink()

    assert {f"sample-1/artifacts/answer/plot/{name}" for name in ("metadata.json", "plot.PNG", "model/weights.bin")} <= set(
        names
    )


def test_a_key_in_an_artifact_is_found_wherever_it_stands(run: RunFolder) -> None:
    assert push_checks.checks(run)["secrets"] == []
    key = b"sk-" + b"a1" * 20
    border = push_checks.PIECE - 10

    leave(run, {"notes.txt": b" " * border + key}, name="notes")

    assert push_checks.checks(run)["secrets"] == [{"file": "artifacts/answer/notes/notes.txt"}]
    assert "artifacts/answer/plot/plot.PNG" in [file["name"] for file in push_checks.checks(run)["files"]]
