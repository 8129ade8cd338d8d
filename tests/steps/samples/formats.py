from __future__ import annotations

from steps.base import Row
from steps.formats.conversation_template import ConversationTemplate
from steps.formats.format_alpaca import FormatAlpaca
from steps.formats.format_chat_generation_dpo import FormatChatGenerationDPO
from steps.formats.format_chat_generation_sft import FormatChatGenerationSFT
from steps.formats.format_kto import FormatKTO
from steps.formats.format_open_ai_chat import FormatOpenAIChat
from steps.formats.format_prm import FormatPRM
from steps.formats.format_share_gpt import FormatShareGPT
from steps.formats.format_text_generation_dpo import FormatTextGenerationDPO
from steps.formats.format_text_generation_sft import FormatTextGenerationSFT
from steps.formats.prepare_examples import PrepareExamples
from tests.steps.samples.rows import answer, answers, chat, pair, rated_chat
from tests.steps.samples.sample import Sample, Samples


def _response(text: str) -> Row:
    return {"instruction": text, "response": text}


def _solution(text: str) -> Row:
    return {"instruction": text, "solutions": [f"{text} +", f"{text} -"]}


def _examples(text: str) -> Row:
    return {"query": [text, text], "answers": [text, [{"name": text}]], "id": text}


SAMPLES: Samples = {
    "ConversationTemplate": [Sample(ConversationTemplate(), _response)],
    "FormatTextGenerationSFT": [Sample(FormatTextGenerationSFT(), answer)],
    "FormatTextGenerationDPO": [Sample(FormatTextGenerationDPO(), answers)],
    "FormatChatGenerationSFT": [Sample(FormatChatGenerationSFT(), chat)],
    "FormatChatGenerationDPO": [Sample(FormatChatGenerationDPO(), rated_chat)],
    "FormatPRM": [Sample(FormatPRM(), _solution), Sample(FormatPRM(format="trl", tags=["-", "+"]), _solution)],
    "FormatKTO": [
        Sample(FormatKTO(), answers),
        Sample(FormatKTO(source="messages", good_from=1), rated_chat),
        Sample(FormatKTO(source="pairs", format="text"), pair),
    ],
    "FormatShareGPT": [Sample(FormatShareGPT(), chat), Sample(FormatShareGPT(source="instruction"), answer)],
    "FormatAlpaca": [Sample(FormatAlpaca(), answer), Sample(FormatAlpaca(source="messages", history=True), chat)],
    "FormatOpenAIChat": [Sample(FormatOpenAIChat(), chat), Sample(FormatOpenAIChat(source="instruction"), answer)],
    "PrepareExamples": [Sample(PrepareExamples(), _examples)],
}
