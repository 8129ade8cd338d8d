"""Servers that make pictures, as their references have it: OpenAI's /images/generations, and the inference of Hugging Face."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import orjson
from aiohttp import web

BAD_KEY = "sk-bad-key-of-a-painter"
BAD_WORDS = "please forbid this"
_OF_GPT = {"model", "prompt", "n", "size", "quality", "background", "moderation", "output_format", "output_compression", "user"}
_OF_DALL_E = {"model", "prompt", "n", "size", "quality", "style", "response_format", "user"}


def png(words: str, side: int = 2) -> bytes:
    """A picture of one colour, which the words decide."""
    colour = zlib.crc32(words.encode()).to_bytes(4, "big")[:3]
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress((b"\0" + colour * side) * side)),
        (b"IEND", b""),
    ]
    chunks = (struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


class FakeOpenAIImages:
    """POST /v1/images/generations, for gpt-image-1 and the models before it, and the store that addresses lead to."""

    def __init__(self, *, lost: int = 0, has_list: bool = True) -> None:
        """`lost`: how often the store fails before it gives a picture out. `has_list`: it says which models it has."""
        self.bodies: list[dict[str, Any]] = []
        self.fetched = 0
        self._has_list = has_list
        self._lost = lost
        self._files: dict[str, bytes] = {}

    def build_app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/images/generations", self._generate)
        app.router.add_get("/files/{name}", self._file)
        if self._has_list:
            app.router.add_get("/v1/models", self._models)
        return app

    async def _models(self, request: web.Request) -> web.Response:
        if BAD_KEY in request.headers.get("Authorization", ""):
            return _error(401, f"Incorrect API key provided: {BAD_KEY}.", "invalid_api_key")
        listed = [{"id": name, "object": "model"} for name in ("gpt-image-1", "dall-e-2", "dall-e-3")]
        return web.json_response({"object": "list", "data": listed})

    async def _generate(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = orjson.loads(await request.read())
        self.bodies.append(body)
        is_gpt = body["model"].startswith("gpt-image")
        if unknown := sorted(body.keys() - (_OF_GPT if is_gpt else _OF_DALL_E)):
            return _error(400, f"Unknown parameter: '{unknown[0]}'.", "unknown_parameter")
        if body["model"] == "dall-e-3" and body.get("n", 1) > 1:
            return _error(400, "You must provide n=1 for this model.", "invalid_value")
        if BAD_WORDS in body["prompt"]:
            message = "Your request was rejected by the safety system."
            return _error(400, message, "moderation_blocked" if is_gpt else "content_policy_violation")
        files = [png(f"{body['prompt']} {number}") for number in range(body.get("n", 1))]
        as_url = not is_gpt and body.get("response_format", "url") == "url"
        data = [self._named(request, file) if as_url else {"b64_json": base64.b64encode(file).decode()} for file in files]
        usage = {"usage": {"input_tokens": 7, "output_tokens": 1000 * len(data), "total_tokens": 7 + 1000 * len(data)}}
        made = {"created": 1, "data": data, **(usage if is_gpt else {})}
        return web.Response(body=orjson.dumps(made), content_type="application/json")

    def _named(self, request: web.Request, file: bytes) -> dict[str, str]:
        name = f"{len(self._files)}.png"
        self._files[name] = file
        return {"url": f"http://{request.host}/files/{name}", "revised_prompt": "the same in other words"}

    async def _file(self, request: web.Request) -> web.Response:
        self.fetched += 1
        if self._lost:
            self._lost -= 1
            return web.Response(status=503)
        return web.Response(body=self._files[request.match_info["name"]], content_type="image/png")


class FakeHubImages:
    """POST to the path of a model: the picture itself comes back."""

    def __init__(self, *, loads: int = 1) -> None:
        """`loads`: how many requests find the model still loading."""
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self._loads = loads

    def build_app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._generate)
        return app

    async def _generate(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = orjson.loads(await request.read())
        self.seen.append((request.path, body))
        if len(self.seen) <= self._loads:
            loading = {"error": "Model acme/paint is currently loading", "estimated_time": 0.1}
            return web.Response(status=503, body=orjson.dumps(loading), content_type="application/json")
        seed = body.get("parameters", {}).get("seed", 0)
        return web.Response(body=png(f"{body['inputs']} {seed}"), content_type="image/png")


def _error(status: int, message: str, code: str) -> web.Response:
    error = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return web.Response(status=status, body=orjson.dumps(error), content_type="application/json")
