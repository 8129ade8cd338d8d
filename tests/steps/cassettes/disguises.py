"""Keys, and the ways in which servers and gateways may write them."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

KEYS = {
    "openai": "sk-proj-Ab3_dEfGh1jKlMn0pQrStUvWxYz",
    "azure": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "google": "AIzaSyA-0123456789abcdefghijklmnopqrstu",
    "access token": "ya29.a0AfH6SMBx-yz_012345678901234567890",
    "anthropic": "sk-ant-api03-xyz_0123-456789abcdefghij",
    "odd": "pässwörd & <geheim>/100%+",
}
DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": lambda key: key,
    "upper case": lambda key: key.upper(),
    "percent": lambda key: quote(key, safe=""),
    "percent twice": lambda key: quote(quote(key, safe=""), safe=""),
    "every letter percent": lambda key: "".join(f"%{byte:02X}" for byte in key.encode()),
    "JSON escapes": lambda key: "".join(f"\\u{ord(letter):04x}" for letter in key),
    "JSON in JSON": lambda key: json.dumps(json.dumps({"key": key})),
    "HTML": html.escape,
    "HTML numbers": lambda key: "".join(f"&#{ord(letter)};" for letter in key),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of a header": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(f"ab{key}z".encode()).decode().rstrip("="),
    "base64 twice": lambda key: base64.b64encode(base64.b64encode(key.encode())).decode(),
    "hex": lambda key: key.encode().hex(),
    "hex, upper case": lambda key: key.encode().hex().upper(),
    "backwards": lambda key: key[::-1],
    "in two lines": lambda key: f"{key[:9]}\n  {key[9:]}",
    "with hidden letters": lambda key: "\u200b".join(key),
    "in pieces": lambda key: f'"{key[:7]}" + "{key[7:]}"',
}


def traces(text: str, key: str) -> list[str]:
    """The disguises of a key that a text holds."""
    return [name for name, disguise in DISGUISES.items() if disguise(key).lower() in text.lower()]
