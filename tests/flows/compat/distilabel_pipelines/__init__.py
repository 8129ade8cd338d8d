"""Pipelines as users of distilabel write them: `tests/flows/compat/dump_distilabel.py` builds and saves them.

They import distilabel, which is not installed here. Texts that distilabel would fill in by itself (role prompts, mutation
templates, rubrics) are given, so that none of its own stand in the saved files.
"""
