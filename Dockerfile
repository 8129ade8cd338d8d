# The browser app as a container, and as a Hugging Face Docker Space: port 7860, not root.
FROM python:3.12-slim
RUN useradd --create-home --uid 1000 user
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 HOME=/home/user PATH=/home/user/.venv/bin:$PATH
WORKDIR /home/user/distilflow
COPY --chown=user pyproject.toml setup.py requirements.lock README.md LICENSE ./
COPY --chown=user app app
COPY --chown=user flows flows
COPY --chown=user steps steps
COPY --chown=user examples examples
COPY --chown=user prefect.yaml prefect.yaml
USER user
RUN python -m venv /home/user/.venv && pip install --constraint requirements.lock ".[clustering,embeddings,filters,samplers,validators]"
WORKDIR /home/user
EXPOSE 7860
CMD ["distilflow", "app", "--host", "0.0.0.0", "--port", "7860", "--runs-dir", "/home/user/runs"]
