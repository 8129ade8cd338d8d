"""`new` and `app`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.console import out
from steps.errors import SpecError

STARTER = """\
# A first pipeline: two answers to each question, rated by a judge, as pairs for preference training (DPO).
#   distilflow preview {file}              five rows, at once, nothing kept
#   distilflow run {file}                  the whole run; the result lies in runs/<run>/distiset
#   distilflow run {file} --llm openai/gpt-4o-mini      with a real model (set OPENAI_API_KEY)
distilflow: 1
name: {name}
description: Two answers to each question, rated by a judge.
steps:
  # Where rows come from. For a file of your own:
  #   use: LoadDataFromFileSystem
  #   with: {{data_files: my-questions.jsonl}}
  - name: load
    use: LoadDataFromDicts
    with:
      data:
        - {{instruction: Explain in two sentences why the sky is blue.}}
        - {{instruction: Write a polite reminder about an unpaid invoice.}}
        - {{instruction: 'Name three uses of a paper clip, other than holding paper.'}}

  # Each step says what it comes after. RehearsalLLM makes replies up, for free; replace it by a model when you are ready:
  #   llm: {{use: OpenAILLM, model: gpt-4o-mini, generation_kwargs: {{temperature: 0.7, max_new_tokens: 512}}}}
  - name: answer_a
    use: TextGeneration
    after: load
    with:
      llm: {{use: RehearsalLLM, seed: 1}}
  - name: answer_b
    use: TextGeneration
    after: load
    with:
      llm: {{use: RehearsalLLM, seed: 2}}

  # Bring both answers into one row: `generation` of each becomes the list `generations`.
  - name: group
    use: GroupColumns
    after: [answer_a, answer_b]
    with:
      columns: [generation, model_name]
      output_columns: [generations, generation_models]

  # Rate the answers, then keep the best as chosen and the worst as rejected.
  - name: judge
    use: UltraFeedback
    after: group
  - name: format
    use: FormatTextGenerationDPO
    after: judge
"""


def new(
    name: Annotated[str, typer.Argument(help="Name of the pipeline; the file gets it too.")],
    describe: Annotated[
        str | None, typer.Option(help="What data you need: a model drafts the pipeline. Give the model with --llm.")
    ] = None,
    llm: Annotated[
        str | None, typer.Option(help="The model that drafts, and that the pipeline asks: openai/gpt-4o-mini.")
    ] = None,
    sample: Annotated[
        Path | None,
        typer.Option(help="File with rows to start from, JSON lines, JSON or CSV: its first 20 go into the pipeline."),
    ] = None,
    runs_dir: Annotated[Path, typer.Option(help="Folder that holds all runs; replies are kept there.")] = Path("runs"),
) -> None:
    """Write a commented pipeline to start from, or have a model draft one with --describe.

    Exit codes: 0 written, 3 written with problems left in it, 2 nothing written.
    """
    stem = name.removesuffix(".yaml")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,79}", stem):
        raise SpecError(f"{stem!r} cannot be a pipeline's name", "use letters, digits, '-' and '_'")
    path = Path(f"{stem}.yaml")
    if path.exists():
        raise SpecError(f"{path} exists already", "choose another name")
    if describe is None:
        if llm or sample:
            raise SpecError(f"{'--llm' if llm else '--sample'} is for a draft", "say with --describe which data you need")
        _write(path, STARTER.format(name=stem, file=path))
        out.print(f"Wrote {path}. Next: distilflow preview {path}", highlight=False)
        return
    if llm is None:
        raise SpecError("a draft needs a model", "name one, such as --llm openai/gpt-4o-mini")
    from flows.cli.drafting import draft_to

    raise typer.Exit(draft_to(path, stem, describe, llm, sample, runs_dir, _write))


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise SpecError(f"{path} exists already", "choose another name") from error


def app(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page.")] = 7860,
    runs_dir: Annotated[Path, typer.Option(help="Folder that holds all runs.")] = Path("runs"),
    pipelines_dir: Annotated[
        Path | None, typer.Option(help="Folder that keeps pipelines by name; `pipelines` beside the runs if not given.")
    ] = None,
    labels_dir: Annotated[
        Path | None, typer.Option(help="Folder that keeps label projects; `labels` beside the runs if not given.")
    ] = None,
) -> None:
    """Open the browser app: build, run and look at pipelines, and review labels."""
    import importlib

    serve = importlib.import_module("app.__main__").serve  # by name: flows comes before app, and knows it only here
    serve(host, port, runs_dir, pipelines_dir, labels_dir)
