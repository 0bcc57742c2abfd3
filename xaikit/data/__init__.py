"""Data sets: built in, or read from your own files, as samples in three splits."""

from xaikit.data.builtin import DATASETS
from xaikit.data.dataset import Column, Dataset
from xaikit.data.load import load_data

__all__ = ["DATASETS", "Column", "Dataset", "load_data"]
