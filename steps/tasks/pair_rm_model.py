"""The model of PairRM: DeBERTa, which reads a prompt and two answers, and a small head that scores each of them.

Its shape and the marks in its input are those it was trained with: https://github.com/yuchenlin/LLM-Blender
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from steps.errors import RunError
from steps.extras import extra

LONGEST_PROMPT, LONGEST_ANSWER = 1224, 412
"""In tokens; longer texts are cut, as they were in training."""
PAIRS_AT_A_TIME = 8
_HF_FORM = {"llm-blender/PairRM": "llm-blender/PairRM-hf"}
_MARKS = ("<|source|>", "<|candidate1|>", "<|candidate2|>")


class PairRMModel:
    """Compares answers.

    Raises:
        RunError: The packages or the model cannot be had.
    """

    def __init__(self, name: str) -> None:
        self._torch = extra("torch", "transformers", "PairRM")
        transformers = extra("transformers", "transformers", "PairRM")
        source = _HF_FORM.get(name, name)
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(source)
            self._model, found = _network(self._torch).from_pretrained(source, output_loading_info=True)
        except (OSError, ValueError, AttributeError) as error:  # a config without PairRM's own settings has no such attribute
            raise RunError(f"model {source!r} cannot be loaded: {error}", "check its name") from error
        if missing := sorted(found["missing_keys"]):
            raise RunError(f"model {source!r} is not PairRM: it has no {missing[0]!r}", "name a model of the same kind")
        self._model.eval()
        self._device = "cuda" if self._torch.cuda.is_available() else "cpu"
        self._model.to(self._device)

    def compare(self, prompt: str, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each pair of answers by how much the first is better; below 0 where the second is."""
        found: list[float] = []
        for start in range(0, len(pairs), PAIRS_AT_A_TIME):
            ids = [self._ids(prompt, *pair) for pair in pairs[start : start + PAIRS_AT_A_TIME]]
            padded = self._tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(self._device)
            with self._torch.inference_mode():
                found += self._model(padded["input_ids"], padded["attention_mask"]).tolist()
        return found

    def _ids(self, prompt: str, first: str, second: str) -> list[int]:
        lengths = (LONGEST_PROMPT, LONGEST_ANSWER, LONGEST_ANSWER)
        ids: list[int] = []
        for mark, text, longest in zip(_MARKS, (prompt, first, second), lengths, strict=True):
            text = text.encode(errors="replace").decode()  # half a character stops tokenizers
            for other in _MARKS:  # such a mark in a text would be taken for the model's own
                text = text.replace(other, "")
            ids += self._tokenizer.encode(mark + text, max_length=longest, truncation=True)
        return ids


def _network(torch: Any) -> Any:
    """The class of the network; made here, since its base is imported late."""
    deberta = extra("transformers.models.deberta_v2.modeling_deberta_v2", "transformers", "PairRM")

    class Network(deberta.DebertaV2PreTrainedModel):  # type: ignore[misc,name-defined]
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            size = config.hidden_size
            self.pretrained_model = deberta.DebertaV2Model(config)
            self.head_layer = torch.nn.Sequential(
                torch.nn.Dropout(config.drop_out),
                torch.nn.Linear(2 * size, size),
                torch.nn.Tanh(),
                torch.nn.Dropout(config.drop_out),
                torch.nn.Linear(size, config.n_tasks),
            )
            self.post_init()

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            read = self.pretrained_model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            config = self.config
            prompt, first, second = (
                read[input_ids == mark] for mark in (config.source_prefix_id, config.cand1_prefix_id, config.cand2_prefix_id)
            )
            scores = [self.head_layer(torch.cat([prompt, answer], dim=-1)) for answer in (first, second)]
            return (scores[0] - scores[1]).mean(dim=-1)

    return Network
