"""`python -m benchmarks`: one thread, settled before anything is imported that would start more."""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"  # progress bars of other packages

from benchmarks.command import main

sys.exit(main())
