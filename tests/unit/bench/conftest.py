"""The scripts of `bench/` are no package: they find one another by their folder."""

import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[3] / "bench"
sys.path.append(str(BENCH))
