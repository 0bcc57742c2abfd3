"""Many samples and methods asked and measured: plans, studies, runs, comparisons."""
