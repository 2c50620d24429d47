"""Synthetic transcripts for the demo study and for measurements. None of it is a response that a model gave.

Every sentence comes from templates written for this project, put together at random from a seed.
The models, their tendencies and their reasoning are invented, and figures computed from these
records say nothing about any real model. The texts are kept mild; a complying answer is a vague
sketch. What the generator meant by a record (``metadata["synthetic_truth"]``) is for tests and
leads and must not be shown to annotators.
"""

from .demo import demo_records, write_demo, write_jsonl
from .long import long_records

__all__ = ["demo_records", "long_records", "write_demo", "write_jsonl"]
