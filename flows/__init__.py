"""How pipelines are described and run: `from flows import Pipeline`.

Telemetry of dependencies is off unless the user switched it on.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.distiset import Distiset
    from flows.pipeline import Pipeline
    from steps.cassettes import cassette

__all__ = ["Distiset", "Pipeline", "cassette"]
_MODULES = {"Distiset": "flows.distiset", "Pipeline": "flows.pipeline", "cassette": "steps.cassettes"}

for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}.items():
    os.environ.setdefault(_name, _value)


if not TYPE_CHECKING:  # else every name would count as one that is there

    def __getattr__(name: str) -> Any:
        """Import on use: the engine's processes need neither."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        return getattr(importlib.import_module(_MODULES[name]), name)
