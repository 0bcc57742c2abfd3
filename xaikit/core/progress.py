"""One progress bar on stderr, or none: long work says how far it is."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text

__all__ = ["Progress", "say"]


def say(text: str) -> None:
    """One line for people, on stderr."""
    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)


class _Rate(ProgressColumn):
    """How many are done in a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{speed:,.0f}/s" if (speed := task.finished_speed or task.speed) else "")


class Progress:
    """`with Progress(total, "explaining") as bar: bar.tick(1)`.

    rate : whether it says how many are done in a second
    """

    def __init__(self, total: int, what: str, *, show: bool, rate: bool = False) -> None:
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            *([_Rate()] if rate else []),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not show,
        )
        self._task = self._bar.add_task(what, total=total)

    def tick(self, n: int = 1, what: str | None = None) -> None:
        """n more are done; `what` says what is done next."""
        self._bar.update(self._task, advance=n)
        if what is not None:
            self._bar.update(self._task, description=what)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
