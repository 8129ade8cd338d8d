from __future__ import annotations

import pytest

from steps.errors import LLMError
from steps.images.fetching import fetch_image


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:9/a.png",
        "http://localhost/a.png",
        "http://[::1]/a.png",
        "file:///etc/passwd",
        "nonsense",
    ],
)
async def test_a_server_does_not_send_us_looking_around_in_our_own_network(url: str) -> None:
    with pytest.raises(LLMError) as caught:
        await fetch_image(url, "https://api.example.org/v1", 5)

    assert not caught.value.is_retryable
    assert "b64_json" in caught.value.fix
