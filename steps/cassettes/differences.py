"""In what two requests differ, in words."""

from __future__ import annotations

from typing import Any

_SHOWN = 60


def differences(recorded: Any, sent: Any, where: str = "") -> list[str]:
    """Each place that differs, with what is there and there: `messages[0].content: 'hi' was recorded, 'ho' is sent`."""
    if isinstance(recorded, dict) and isinstance(sent, dict):
        found = []
        for name in dict.fromkeys([*recorded, *sent]):
            place = f"{where}.{name}" if where else str(name)
            place = place.removeprefix("json.")
            if name not in sent:
                found.append(f"{place}: {_shown(recorded[name])} was recorded, nothing is sent")
            elif name not in recorded:
                found.append(f"{place}: nothing was recorded, {_shown(sent[name])} is sent")
            else:
                found += differences(recorded[name], sent[name], place)
        return found
    if isinstance(recorded, list) and isinstance(sent, list) and len(recorded) == len(sent):
        return [one for at, pair in enumerate(zip(recorded, sent, strict=True)) for one in differences(*pair, f"{where}[{at}]")]
    if recorded == sent:
        return []
    one, other = _apart(recorded, sent)
    return [f"{where or 'the body'}: {one} was recorded, {other} is sent"]


def _apart(one: Any, other: Any) -> tuple[str, str]:
    """Both, from where they begin to differ."""
    if not isinstance(one, str) or not isinstance(other, str):
        return _shown(one), _shown(other)
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, same - _SHOWN // 2) if same > _SHOWN // 2 else 0
    lead = "..." if start else ""
    return _shown(lead + one[start:]), _shown(lead + other[start:])


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
