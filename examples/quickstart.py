"""The quickstart in Python: the same pipeline as quickstart.yaml, step for step.

Run it with `python examples/quickstart.py`, with the environment active; its files are found from any folder.
"""

from flows import Pipeline
from steps.columns import GroupColumns, KeepColumns
from steps.formats import FormatTextGenerationDPO
from steps.llms import ReplayLLM
from steps.sources import LoadDataFromFileSystem
from steps.tasks import TextGeneration, UltraFeedback

RECORDINGS = "examples/data/recordings.jsonl"

with Pipeline("quickstart", "Three answers to each instruction, rated by a judge, as preference pairs for DPO.") as pipeline:
    load = LoadDataFromFileSystem(name="load", data_files="examples/data/instructions.jsonl")
    answers = [
        TextGeneration(name=f"answer_{number}", llm=ReplayLLM(path=RECORDINGS, reply=f"answer_{number}"))
        for number in (1, 2, 3)
    ]
    group = GroupColumns(
        name="group", columns=["generation", "model_name"], output_columns=["generations", "generation_models"]
    )
    judge = UltraFeedback(name="judge", aspect="overall-rating", llm=ReplayLLM(path=RECORDINGS, reply="judge"))
    format_dpo = FormatTextGenerationDPO(name="format_dpo")
    keep = KeepColumns(
        name="keep",
        columns=[
            "category",
            "prompt",
            "prompt_id",
            "chosen",
            "chosen_rating",
            "chosen_model",
            "rejected",
            "rejected_rating",
            "rejected_model",
            "generations",
            "ratings",
            "rationales",
        ],
    )
    load >> answers >> group >> judge >> format_dpo >> keep

if __name__ == "__main__":
    distiset = pipeline.run()
    print(distiset)  # noqa: T201
    print(distiset["default"]["train"][0]["chosen"][-1]["content"])  # noqa: T201
