"""Random numbers that do not depend on who asks, when, or in what company.

A stream is keyed by (seed, name, block): the same key gives the same numbers on any worker and in any order. Draws
come in blocks of :data:`BLOCK`; each block is a complete Latin hypercube, so a run of ``n`` blocks is ``n``
independent hypercubes and can be stored, resumed and extended block by block.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

from karvan.base.axes import Array

BLOCK = 500
"""Draws in a block: the unit of sampling, work, storage and resumption."""


class _Key(ISeedSequence):
    """A key as it is: made from a key alone, a generator would first ask the system for entropy it then throws away."""

    def __init__(self, words: Any) -> None:
        self.words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        """The two words of the key."""
        return self.words


def stream(seed: int, name: str, block: int = 0) -> np.random.Generator:
    """The random generator of one named purpose in one block of draws.

    Counter-based (Philox), keyed by a 128-bit BLAKE2 digest of (seed, name, block).
    """
    key = hashlib.blake2b(f"{seed}|{name}|{block}".encode(), digest_size=16).digest()
    seeded: Any = _Key(np.frombuffer(key, dtype="<u8").astype(np.uint64))  # NumPy's stub knows no seeds of one's own
    return np.random.Generator(np.random.Philox(seeded))


def latin_hypercube(seed: int, name: str, block: int, size: int = BLOCK) -> Array:
    """One column of a Latin hypercube: ``size`` uniforms, one in each of ``size`` equal slices of (0, 1), shuffled.

    McKay, Beckman and Conover (1979), Technometrics 21, section 2. Columns of different names are independent.

    Returns
    -------
    (size,), share of 1, strictly inside (0, 1).
    """
    generator = stream(seed, name, block)
    order = generator.permutation(size)
    inside = generator.random(size)
    inside += order
    inside /= size
    np.maximum(inside, 1e-12, out=inside)
    return np.minimum(inside, 1 - 1e-12, out=inside)
