import pytest


@pytest.fixture(autouse=True)
def own_steps_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "tests.flows.engine.own_steps,tests.flows.engine.own_models")
