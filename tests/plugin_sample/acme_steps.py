from steps.base import Batch, Step


class Shout(Step):
    """Writes a text in capitals."""

    inputs = outputs = ("text",)

    def process(self, batch: Batch) -> Batch:
        return [{**row, "text": row["text"].upper()} for row in batch]
