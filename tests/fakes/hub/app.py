"""The fake Hub as a web app."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fakes.hub import commit_routes, file_routes, repo_routes
from tests.fakes.hub.repo import HubError
from tests.fakes.hub.state import HubState, SeenRequest


class FakeHub(HubState):
    """A Hugging Face Hub in memory; its state can be read, and set, while it serves."""

    def build_app(self) -> Starlette:
        """Return the web app, for `running` or any ASGI server."""
        app = Starlette(
            routes=repo_routes.ROUTES + file_routes.ROUTES + commit_routes.ROUTES,
            middleware=[Middleware(RecordRequests, seen=self.requests), Middleware(RouteOnRawPath)],
            exception_handlers={HubError: _error_response},
        )
        app.state.hub = self
        return app

    def client_env(self, url: str) -> dict[str, str]:
        """Return the variables that point a client process at this Hub, as its first user."""
        return {
            "HF_ENDPOINT": url,
            "HF_TOKEN": next(iter(self.tokens)),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }


class RecordRequests:
    """Middleware that notes each request."""

    def __init__(self, app: ASGIApp, seen: list[SeenRequest]) -> None:
        self.app = app
        self.seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note method and path, then go on."""
        self.seen.append(SeenRequest(scope["method"], scope["path"]))
        await self.app(scope, receive, send)


class RouteOnRawPath:
    """Middleware that routes on the path as it was sent; `context.param` decodes its parts.

    Clients send the revision "refs/pr/1" as the one segment "refs%2Fpr%2F1". Servers decode the path
    before they route, and the segment would fall apart.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Go on with the encoded path."""
        await self.app({**scope, "path": scope["raw_path"].decode("ascii")}, receive, send)


async def _error_response(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HubError)
    message = " ".join(error.message.split())  # a header is one line
    headers = {"X-Error-Message": message.encode("ascii", "replace").decode()}
    if error.code:
        headers["X-Error-Code"] = error.code
    return JSONResponse({"error": error.message}, error.status, headers)
