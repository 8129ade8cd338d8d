"""How many tokens a request will use, prompt and replies: a guess at first, then what those before it used."""

from __future__ import annotations

from steps.llms.base import Chat, Completion, Request

FIRST_TOKENS_PER_CHAR = 0.25
FIRST_REPLY_TOKENS = 256.0
"""Expected of a reply before there is one, where the model is not told how long it may be."""
NEWS = 0.05
"""Weight of a reply in the running averages."""


class TokenEstimate:
    """What one step's requests to one model use."""

    def __init__(self, longest_reply: int | None = None) -> None:
        self._per_char = FIRST_TOKENS_PER_CHAR
        self._per_reply = FIRST_REPLY_TOKENS if longest_reply is None else float(longest_reply)
        self._has_seen = False

    def of(self, request: Request) -> float:
        """Tokens that this request will use, as far as one can tell; at least 1."""
        return max(1.0, _chars(request.chat) * self._per_char + request.n * self._per_reply)

    def learn(self, request: Request, completion: Completion) -> float | None:
        """Take in a reply. Returns the tokens that it used, if the server says."""
        usage = completion.usage
        if not usage.input_tokens and not usage.output_tokens:
            return None
        share = NEWS if self._has_seen else 1.0
        self._has_seen = True
        if chars := _chars(request.chat):
            self._per_char += (usage.input_tokens / chars - self._per_char) * share
        self._per_reply += (usage.output_tokens / max(1, len(completion.texts)) - self._per_reply) * share
        return float(usage.input_tokens + usage.output_tokens)


def _chars(chat: Chat) -> int:
    """Characters of the texts in a chat; of other parts nothing is known."""
    count = 0
    for message in chat:
        content = message.get("content")
        if isinstance(content, str):
            count += len(content)
        elif isinstance(content, list):
            count += sum(len(str(part.get("text") or "")) for part in content if isinstance(part, dict))
    return count
