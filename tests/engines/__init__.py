"""Tests with real engines and a tiny model: `make test-engines` and `make test-vllm`."""
