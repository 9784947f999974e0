"""Where the recipe reads and writes."""

from pathlib import Path

TRAIN = Path(__file__).resolve().parent
BUILTIN = TRAIN.parent
WORK = TRAIN / "work"
"""Generated speech, features, checkpoints and logs; never committed."""

MATERIAL = BUILTIN.parents[2] / "shared" / "material"
"""Real recordings and an independent recogniser; for evaluation only, never for training."""


def work(*parts: str) -> Path:
    """A path under the work directory, its parent made."""
    path = WORK.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
