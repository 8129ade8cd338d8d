"""Labels: its routes, and what they show."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.api import add_routes
from app.api.labels import router
from app.context import AppContext
from app.handlers.labels.showing import together
from app.handlers.labels.tones import tone_of
from flows.labelling.store import RESERVED
from steps.labels.questions import Question
from tests.app.made import result_of
from tests.flows.labelling.crowds import crowd


def lines(**how: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in crowd(**how))


@pytest.fixture
def ctx(tmp_path: Path) -> AppContext:
    return AppContext(tmp_path / "runs", no_prefect=True)


def served(ctx: AppContext) -> httpx.AsyncClient:
    server = FastAPI()
    add_routes(server, ctx)
    return httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://app")


async def made(client: httpx.AsyncClient, ctx: AppContext, **how: Any) -> str:
    """A project whose strategy was learned and whose first round is open."""
    question = {"title": "Is the answer correct?", "labels": ["correct", "partly", "wrong"]}
    told = {
        "name": "answers",
        "text": lines(**{"gold": 0.34, "right": (0.8, 0.7, 0.65, 0.6, 0.45), **how}),
        "file": "crowd.jsonl",
        "question": question,
    }
    reply = await client.post("/api/labels", json=told)
    assert reply.status_code == 200, reply.text
    name: str = reply.json()["name"]
    wait(ctx, name)
    return name


def wait(ctx: AppContext, name: str) -> None:
    for _ in range(600):
        job = ctx.learners.of(ctx.labels.get(name))
        if job and job.is_over:
            assert job.problem is None
            return
        time.sleep(0.05)
    raise AssertionError("it still learns")


async def act(client: httpx.AsyncClient, name: str, **told: Any) -> httpx.Response:
    return await client.post(f"/api/labels/{name}/act", json={"by": "zoe", **told})


async def test_a_file_becomes_a_project_with_a_round_to_review(ctx: AppContext) -> None:
    async with served(ctx) as client:
        looked = (await client.post("/api/labels/look", json={"text": lines(), "file": "crowd.jsonl"})).json()
        assert (looked["items"], looked["annotations"], looked["annotators"], looked["type"]) == (60, 300, 5, "label")
        name = await made(client, ctx)
        [entry] = (await client.get("/api/labels")).json()
        view = (await client.get(f"/api/labels/{name}")).json()

    assert (entry["name"], entry["items"], entry["annotations"], entry["round"]) == ("answers", 60, 300, 2)
    assert [label["tone"] for label in view["question"]["labels"]] == ["done", "warn", "fail"]
    assert (view["round"]["number"], view["round"]["done"], 20 < view["round"]["size"] <= 40) == (2, 0, True)
    assert [one["gain"] for one in view["queue"]] == sorted((one["gain"] for one in view["queue"]), reverse=True)
    assert view["queue"][0]["title"].startswith("Question number")
    assert [one["kind"] for one in view["annotators"]] == ["human"] * 4 + ["llm"]
    assert view["curve"][0]["learned"]["value"] > 0.5
    assert view["measures"]["alpha"] is not None


async def test_an_answer_is_kept_shown_and_undone(ctx: AppContext) -> None:
    async with served(ctx) as client:
        name = await made(client, ctx)
        view = (await client.get(f"/api/labels/{name}")).json()
        item = view["queue"][0]["item"]
        first = await act(client, name, do="answer", item=item, label="wrong", comment="no root is right", mark="m1")
        again = await act(client, name, do="answer", item=item, label="wrong", comment="no root is right", mark="m1")
        assert first.json() == again.json()

        shown = (await client.get(f"/api/labels/{name}/item", params={"item": item, "reviewer": "zoe"})).json()
        assert shown["mine"] == {"label": "wrong", "comment": "no root is right"}
        [mine] = [one for one in shown["said"] if one["annotator"] == "zoe"]
        assert (mine["tone"], mine["explanation"], mine["is_here"]) == ("fail", "no root is right", True)
        assert mine["pull"] is not None
        view = (await client.get(f"/api/labels/{name}", params={"reviewer": "zoe"})).json()
        assert (view["round"]["done"], view["can_undo"], view["since"]) == (1, True, 1)
        assert view["queue"][-1]["item"] == item

        undone = (await act(client, name, do="undo")).json()
        assert (undone["item"], undone["what"]) == (item, "annotation")
        nothing = await act(client, name, do="undo")
        assert (nothing.status_code, nothing.json()["error"]) == (404, "there is nothing left to undo for 'zoe'")


async def test_an_item_says_who_said_what_and_why_it_is_unsure(ctx: AppContext) -> None:
    async with served(ctx) as client:
        name = await made(client, ctx, right=(0.7, 0.65, 0.6, 0.6, 0.5))
        [entry, *_] = (await client.get(f"/api/labels/{name}", params={"order": "uncertainty"})).json()["queue"]
        shown = (await client.get(f"/api/labels/{name}/item", params={"item": entry["item"]})).json()

    assert [column["name"] for column in shown["columns"]] == ["instruction", "topic"]
    assert shown["now"]["probability"] == pytest.approx(1 - entry["unsure"], abs=1e-4)
    assert shown["why"].startswith("Unsure")
    assert len(shown["said"]) == 5
    assert shown["settles"] >= 0
    assert shown["history"][0]["version"] == 1


async def test_skips_examples_gold_and_rounds_are_done_through_one_route(ctx: AppContext) -> None:
    async with served(ctx) as client:
        name = await made(client, ctx)
        queue = (await client.get(f"/api/labels/{name}")).json()["queue"]
        one, other = queue[0]["item"], queue[1]["item"]
        for told in (
            {"do": "skip", "item": one},
            {"do": "example", "item": other, "text": "Look at the sign."},
            {"do": "gold", "item": other, "label": "wrong"},
            {"do": "close-round"},
        ):
            assert (await act(client, name, **told)).status_code == 200
        assert (await act(client, name, do="open-round", size=3)).json() == {"round": 3}
        shown = (await client.get(f"/api/labels/{name}/item", params={"item": other})).json()
        page = await client.get(f"/api/labels/{name}/onboarding.md")

    assert (shown["example"], shown["gold"], shown["now"]["is_gold"]) == ("Look at the sign.", "wrong", True)
    assert "Look at the sign." in page.text
    assert "answers-onboarding.md" in page.headers["content-disposition"]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"do": "answer", "item": "q999", "label": "wrong"}, 404),
        ({"do": "answer", "item": "q1", "label": "splendid"}, 400),
        ({"do": "answer", "item": "q1"}, 422),
        ({"do": "nothing"}, 422),
        ({"do": "answer", "item": "q1", "label": "wrong", "by": ""}, 404),
        ({"do": "answer", "item": "q1", "label": "wrong", "by": "llm: judge"}, 404),
        ({"do": "open-round"}, 404),
    ],
)
async def test_what_cannot_be_done_is_told_in_words(ctx: AppContext, told: dict[str, Any], status: int) -> None:
    async with served(ctx) as client:
        name = await made(client, ctx)
        reply = await act(client, name, **told)

    assert (reply.status_code, bool(reply.json()["error"]), "Traceback" in reply.text) == (status, True, False)


async def test_another_sites_page_changes_nothing(ctx: AppContext) -> None:
    async with served(ctx) as client:
        name = await made(client, ctx)
        plain = await client.post(f"/api/labels/{name}/act", content=b'{"do": "undo"}', headers={"content-type": "text/plain"})
        cross = await client.post(f"/api/labels/{name}/learn", json={}, headers={"origin": "http://elsewhere"})

    assert (plain.status_code, cross.status_code) == (403, 403)


async def test_rounds_are_learned_compared_and_exported(ctx: AppContext) -> None:
    async with served(ctx) as client:
        name = await made(client, ctx)
        for entry in (await client.get(f"/api/labels/{name}")).json()["queue"][:12]:
            await act(client, name, do="answer", item=entry["item"], label="wrong")
        await client.post(f"/api/labels/{name}/learn", json={})
        wait(ctx, name)
        view = (await client.get(f"/api/labels/{name}")).json()
        compared = (await client.get(f"/api/labels/{name}/compare", params={"one": 1, "other": 2})).json()
        missing = await client.get(f"/api/labels/{name}/compare", params={"one": 1, "other": 9})
        own = await client.get(f"/api/labels/{name}/export/annotations.jsonl", params={"rounds": "2"})
        labels = await client.get(f"/api/labels/{name}/export/labels.parquet")
        strategy = await client.get(f"/api/labels/{name}/strategy.json", params={"version": 2})
        none = await client.get(f"/api/labels/{name}/export/annotations.jsonl", params={"rounds": "9"})

    assert (view["versions"], view["since"], [one["round"] for one in view["curve"]]) == ([1, 2], 0, [1, 2])
    assert [one["version"] for one in compared["versions"]] == [1, 2]
    assert (missing.status_code, missing.json()["fix"]) == (
        404,
        "there are: v1, v2; what is learned once more answers are in is the next, if it decides otherwise",
    )
    assert [json.loads(line)["annotator"] for line in own.text.splitlines()] == ["zoe"] * 12
    assert labels.content[:4] == b"PAR1"
    assert strategy.json()["version"] == 2
    assert none.status_code == 404


async def test_the_queue_shows_a_segment_instead_of_the_round(ctx: AppContext) -> None:
    async with served(ctx) as client:
        name = await made(client, ctx)
        settings = {"title": "Right?", "guideline": "Count parts.", "labels": ["wrong", "partly", "correct"], "topic": "topic"}
        assert (await client.post(f"/api/labels/{name}/settings", json=settings)).status_code == 200
        stars = (await client.get(f"/api/labels/{name}", params={"column": "topic", "value": "stars"})).json()
        nobody = (await client.get(f"/api/labels/{name}", params={"annotator": "nobody"})).json()
        lost = await client.post(f"/api/labels/{name}/settings", json={"title": "Right?", "labels": ["wrong"]})

    assert (stars["queued"], stars["topics"]) == (20, ["bread", "rivers", "stars"])
    assert [label["value"] for label in stars["question"]["labels"]] == ["wrong", "partly", "correct"]
    assert nobody["queued"] == 0
    assert "was answered already" in lost.json()["error"]


async def test_labels_that_came_later_ask_for_learning_anew(ctx: AppContext) -> None:
    async with served(ctx) as client:
        told = {"name": "open", "text": lines(), "file": "crowd.jsonl"}
        name = (await client.post("/api/labels", json=told)).json()["name"]
        wait(ctx, name)
        ctx.labels.get(name).add_rows([{"item": "q1", "annotator": "zoe", "label": "splendid"}])
        view = (await client.get(f"/api/labels/{name}")).json()
        shown = (await client.get(f"/api/labels/{name}/item", params={"item": "q1"})).json()
        assert "splendid" in view["problem"]["what"]
        assert shown["problem"] is not None
        assert len(shown["said"]) == 6
        more = {"text": "item,annotator,label\nq2,zoe,splendid\n", "file": "more.csv"}
        assert (await client.post(f"/api/labels/{name}/rows", json=more)).json()["annotations"] == 1
        wait(ctx, name)
        view = (await client.get(f"/api/labels/{name}")).json()

    assert (view["problem"], "splendid" in [label["value"] for label in view["question"]["labels"]]) == (None, True)


async def test_a_run_with_annotations_is_reviewed_in_one_project(ctx: AppContext, tmp_path: Path) -> None:
    rows = [{name: row[name] for name in ("item", "annotator", "label", "instruction", "kind")} for row in crowd(30)]
    run = result_of(ctx.runs_dir, pa.Table.from_pylist(rows))
    async with served(ctx) as client:
        assert (await client.get(f"/api/labels/of-run/{run.run_id}")).json() == {"can": True, "project": None}
        [told] = (await client.get("/api/labels/runs")).json()
        first = (await client.post("/api/labels/from-run", json={"run": run.run_id})).json()
        wait(ctx, first["name"])
        again = (await client.post("/api/labels/from-run", json={"run": run.run_id})).json()
        of_run = (await client.get(f"/api/labels/of-run/{run.run_id}")).json()

    assert (told["id"], told["rows"]) == ("made-1", 150)
    assert first == again == {"name": "made"}
    assert of_run["project"] == "made"


async def test_projects_are_deleted_and_brought_back(ctx: AppContext) -> None:
    async with served(ctx) as client:
        name = await made(client, ctx)
        await client.post(f"/api/labels/{name}/delete", json={})
        gone = await client.get(f"/api/labels/{name}")
        await client.post(f"/api/labels/{name}/restore", json={})
        back = await client.get(f"/api/labels/{name}")

    assert (gone.status_code, back.status_code) == (404, 200)


def annotator(name: str, kind: str, family: str, partner: str, correlation: float, shared: int = 100) -> dict[str, Any]:
    told = {"annotator": partner, "correlation": correlation, "shared": shared}
    return {"annotator": name, "kind": kind, "family": family, "errs_with": [told]}


def test_only_families_that_the_strategy_counts_as_fewer_are_said_to_count_so() -> None:
    judges = [annotator("llm: a", "llm", "llm", "llm: b", 0.9), annotator("llm: b", "llm", "llm", "llm: a", 0.9)]
    people = [annotator("ann", "human", "", "bob", 0.5), annotator("bob", "human", "", "ann", 0.5)]
    few = [annotator("cy", "human", "", "dee", 0.45, 25), annotator("dee", "human", "", "cy", 0.45, 25)]
    found = together([*judges, *people, *few], {"llm": 0.6})

    told = [(pair["names"], pair["count_as"], pair["could_be_family"]) for pair in found]
    assert told == [(["llm: a", "llm: b"], 1.2, False), (["ann", "bob"], None, True), (["cy", "dee"], None, False)]
    assert [pair["count_as"] for pair in together(judges, {})] == [None]


def test_no_project_has_a_name_that_is_an_address_of_the_place(ctx: AppContext) -> None:
    paths = [route.path for route in router(ctx).routes if isinstance(route, APIRoute)]
    words = {path.split("/")[2] for path in paths if path != "/labels"} - {"{name}"}

    assert words == RESERVED


async def test_on_a_public_server_names_cannot_be_guessed_and_projects_are_small(tmp_path: Path) -> None:
    ctx = AppContext(tmp_path / "runs", no_prefect=True, is_public=True)
    async with served(ctx) as client:
        told = {"name": "mine", "text": lines(items=20), "file": "crowd.jsonl"}
        name = (await client.post("/api/labels", json=told)).json()["name"]
        wait(ctx, name)
        everybody = (await client.get("/api/labels")).json()
        mine = (await client.get("/api/labels", params={"names": name})).json()
        view = (await client.get(f"/api/labels/{name}")).json()
        large = await client.post("/api/labels", json={"name": "large", "text": "x" * 2_000_001, "file": "a.csv"})
        runs = (await client.get("/api/labels/runs")).json()

    assert len(name) > len("mine-") + 30
    assert (everybody, [one["name"] for one in mine], runs) == ([], [name], [])
    assert view["version"]["number"] == 1
    assert "2,000,000" in large.json()["error"]


@pytest.mark.parametrize(
    ("label", "tone"),
    [("correct", "done"), ("Not relevant", "fail"), ("partly_wrong", "warn"), ("beagle", ""), ("4", ""), ("unsafe", "fail")],
)
def test_labels_get_the_tone_of_their_words(label: str, tone: str) -> None:
    assert tone_of(label) == tone


def test_the_page_answers_while_a_strategy_is_learned(ctx: AppContext) -> None:
    """Learning works on a copy of what was said, so that nobody waits for it with an answer."""
    project = ctx.labels.create("busy", Question(), crowd(2000, right=(0.9, 0.8, 0.7, 0.6)))
    ctx.learners.start("busy")
    started = time.monotonic()
    project.answer("q1", "wrong", "zoe")
    assert time.monotonic() - started < 2
    wait(ctx, "busy")
    assert project.versions.numbers() == [1]


async def test_texts_are_reviewed_though_nothing_is_learned_from_them(ctx: AppContext) -> None:
    async with served(ctx) as client:
        rows = "item,annotator,label,instruction\nq1,ann,Because of air.,Why?\nq2,ann,So.,How?\n"
        told = {"name": "texts", "text": rows, "file": "texts.csv", "question": {"type": "text", "title": "What is right?"}}
        name = (await client.post("/api/labels", json=told)).json()["name"]
        wait(ctx, name)
        view = (await client.get(f"/api/labels/{name}")).json()
        kept = await act(client, name, do="answer", item="q1", label="Because light is scattered.")
        shown = (await client.get(f"/api/labels/{name}/item", params={"item": "q1"})).json()

    assert (view["round"]["size"], view["version"], view["problem"]) == (2, None, None)
    assert kept.status_code == 200
    assert [one["words"] for one in shown["said"]] == ["Because of air.", "Because light is scattered."]


async def test_an_item_with_a_very_long_name_is_shown_and_answered(ctx: AppContext) -> None:
    long = "Is this right? " * 3000
    text = "".join(
        json.dumps({"item": item, "annotator": by, "label": label}) + "\n"
        for item in (long, "short")
        for by, label in (("a", "yes"), ("b", "no"), ("c", "yes"))
    )
    async with served(ctx) as client:
        name = (await client.post("/api/labels", json={"name": "long", "text": text, "file": "a.jsonl"})).json()["name"]
        wait(ctx, name)
        view = (await client.get(f"/api/labels/{name}")).json()
        [handle] = [one["item"] for one in view["queue"] if one["item"] != "short"]
        assert len(handle) == 32
        shown = (await client.get(f"/api/labels/{name}/item", params={"item": handle, "reviewer": "zoe"})).json()
        assert (shown["item"], len(shown["said"]), len(shown["title"]) < 100) == (handle, 3, True)
        told = await act(client, name, do="answer", item=handle, label="no", mark="m1")
        assert told.status_code == 200, told.text
        for do in ({"do": "skip"}, {"do": "example", "text": "look"}, {"do": "gold", "label": "no"}):
            assert (await act(client, name, item=handle, **do)).status_code == 200
        undone = (await act(client, name, do="undo")).json()
        compared = (await client.get(f"/api/labels/{name}/compare", params={"one": 1, "other": 1})).json()

    assert undone["item"] == handle
    assert compared["changes"] == []
    assert [one["label"] for one in ctx.labels.get(name).said.annotations_of(long)] == ["yes", "no", "yes", "no"]


async def test_halves_of_characters_are_spelled_out_wherever_they_come_from(ctx: AppContext) -> None:
    half = "\ud800"
    rows = [
        {"item": f"{half}{at}", "annotator": f"{half}{by}", "label": f"{half}{(at + by) % 2}", f"{half}text": f"{half} text"}
        for at in range(12)
        for by in range(3)
    ]
    async with served(ctx) as client:
        text = "\n".join(map(json.dumps, rows))
        told = json.dumps({"name": "half", "text": text, "file": "a.jsonl"})
        made = await client.post("/api/labels", content=told, headers=JSON)
        assert made.status_code == 200, made.text
        ctx.labels.create("halves", Question(), rows)
        ctx.learners.start("halves", opens_round=True)
        wait(ctx, "halves")
        view = (await client.get("/api/labels/halves")).json()
        shown = await client.get("/api/labels/halves/item", params={"item": view["queue"][0]["item"]})
        assert shown.json()["item"].startswith("\\ud800")
        sent = json.dumps({"do": "answer", "by": "zoe", "item": view["queue"][0]["item"], "label": "\ud8000"})
        assert (await client.post("/api/labels/halves/act", content=sent, headers=JSON)).status_code == 200
        assert (await act(client, "halves", do="example", item=view["queue"][0]["item"], text="look")).status_code == 200
        for file in ("export/labels.jsonl", "export/labels.parquet", "export/annotations.parquet", "onboarding.md"):
            assert (await client.get(f"/api/labels/halves/{file}")).status_code == 200
        assert (await client.get("/api/labels/halves/strategy.json", params={"version": 1})).status_code == 200


JSON = {"content-type": "application/json"}


async def test_a_broken_project_is_listed_with_what_is_wrong_and_the_others_as_ever(ctx: AppContext) -> None:
    async with served(ctx) as client:
        name = await made(client, ctx)
        for broken in ("one", "two"):
            ctx.labels.create(broken, Question(), crowd())
        (ctx.labels.folder / "one" / "project.json").write_text('{"name": 3}')
        (ctx.labels.folder / "two" / "items.jsonl").unlink()
        (ctx.labels.folder / "two" / "items.jsonl").mkdir()
        with (ctx.labels.folder / name / "annotations.jsonl").open("a") as file:
            file.write("garbage\n")
        (ctx.labels.folder / name / "measures.json").write_text("[]")
        entries = {one["name"]: one for one in (await client.get("/api/labels")).json()}
        views = {one: await client.get(f"/api/labels/{one}") for one in entries}
        item = await client.get(f"/api/labels/{name}/item", params={"item": "q1"})

    assert entries[name]["annotations"] == 300
    assert "project.json holds no project: name" in entries["one"]["problem"]
    assert "mend" in entries["one"]["problem"]
    assert "items.jsonl" in entries["two"]["problem"]
    assert {one: reply.status_code for one, reply in views.items()} == {name: 200, "one": 404, "two": 404}
    assert "measures.json says nothing" in views[name].json()["problem"]["what"]
    assert item.json()["now"]["probability"] > 0


async def test_what_was_meant_for_a_project_does_not_reach_another_of_its_name(ctx: AppContext) -> None:
    async with served(ctx) as client:
        name = await made(client, ctx)
        meant = (await client.get(f"/api/labels/{name}")).json()["id"]
        assert (await act(client, name, do="skip", item="q1", project=meant)).status_code == 200
        ctx.labels.delete(name)
        await made(client, ctx)
        refused = await act(client, name, do="answer", item="q1", label="wrong", project=meant)
        view = (await client.get(f"/api/labels/{name}")).json()

    assert (refused.status_code, refused.json()["code"]) == (404, "other-project")
    assert "reload" in refused.json()["fix"]
    assert (view["annotations"], view["learning"]["is_over"]) == (300, True)
