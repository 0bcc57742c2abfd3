"""What runs here: versions at once, and what only torch can tell when it is asked for."""

from __future__ import annotations

import platform

from xaikit.core.question import versions

__all__ = ["facts"]


def facts(*, quick: bool = False) -> dict[str, str]:
    """Versions of Python and of the packages; with the device and the threads unless `quick`."""
    found = {
        **versions(),
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    }
    if quick:
        return found
    import torch

    there = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if there else "none (CPU is used)"
    return {**found, "gpu": device, "threads": str(torch.get_num_threads())}
