"""What pyproject.toml cannot say: the examples are installed as a part of `steps`, where no other package writes over them."""

from setuptools import find_namespace_packages, setup

EXAMPLES = ("", ".data", ".data.papers", ".papers")

setup(
    packages=[
        *find_namespace_packages(include=["app", "app.*", "flows", "flows.*", "steps", "steps.*"], exclude=["app.frontend*"]),
        *(f"steps.examples{folder}" for folder in EXAMPLES),
    ],
    package_dir={f"steps.examples{folder}": f"examples{folder.replace('.', '/')}" for folder in EXAMPLES},
)
