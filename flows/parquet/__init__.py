"""Rows to Parquet files: streamed, in one schema that fits them all."""

from flows.parquet.reading import Column, describe_columns
from flows.parquet.writing import file_name, write_rows

__all__ = ["Column", "describe_columns", "file_name", "write_rows"]
