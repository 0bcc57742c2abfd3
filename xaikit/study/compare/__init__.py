"""Machine learning against deep learning on a person's own data: does it pay, and do both look at the same?"""

from __future__ import annotations

from xaikit.study.compare.comparing import compare

__all__ = ["compare"]
