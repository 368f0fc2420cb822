"""Folders of files to send, and the comparison with what came back."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path


def random_bytes(size: int, seed: int = 1) -> bytes:
    """Bytes that do not compress and are the same on every run."""
    return random.Random(seed).randbytes(size)


def make_tree(root: Path, *, files: int = 12, seed: int = 7) -> dict[str, str]:
    """A small tree with sizes on both sides of the inline threshold, an empty file, and names that need escaping.

    Gives back what `digests` gives for it.
    """
    rng = random.Random(seed)
    sizes = [0, 1, 4096, 65_535, 65_536, 65_537, 300_000]
    names = ["plain.txt", "with space.txt", "plus+and&.txt", "ünïcødé-日本.txt", "percent%20.txt", "deep/er/file.bin"]
    for number in range(files):
        name = names[number] if number < len(names) else f"folder{number % 3}/file-{number:04d}.bin"
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(sizes[number % len(sizes)]))
    return digests(root)


def digests(root: Path) -> dict[str, str]:
    """SHA-256 of every file under `root`, by its relative name."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
