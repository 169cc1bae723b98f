"""Random numbers by key: the same for everybody, whoever asks and when."""

import hashlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.streams import BLOCK, latin_hypercube, stream

KEYS = st.tuples(st.integers(0, 2**31), st.sampled_from(["theta", "kit_price.a", "Ə"]), st.integers(0, 50))


@given(KEYS)
@settings(max_examples=30)
def test_the_same_key_gives_the_same_numbers(key: tuple[int, str, int]) -> None:
    np.testing.assert_array_equal(stream(*key).random(5), stream(*key).random(5))


def test_other_keys_give_others() -> None:
    keys = [(1, "a", 0), (2, "a", 0), (1, "b", 0), (1, "a", 1), (11, "a", 0), (1, "1|a", 0)]
    firsts = {float(stream(*key).random()) for key in keys}
    assert len(firsts) == len(keys)


def test_who_asks_first_does_not_matter() -> None:
    names = ["theta", "eta", "kit_price.x", "demand_noise"]
    forward = {name: latin_hypercube(1, name, 0) for name in names}
    backward = {name: latin_hypercube(1, name, 0) for name in reversed(names)}
    for name in names:
        np.testing.assert_array_equal(forward[name], backward[name])


def test_seed_0_is_a_seed() -> None:
    assert float(stream(0, "a").random()) != float(stream(1, "a").random())


@given(KEYS, st.integers(1, 600))
@settings(max_examples=40)
def test_one_number_in_each_slice(key: tuple[int, str, int], size: int) -> None:
    """McKay, Beckman and Conover (1979), section 2: each of ``size`` equal slices is hit exactly once."""
    values = latin_hypercube(*key, size)
    assert values.shape == (size,)
    assert np.all((values > 0) & (values < 1))
    np.testing.assert_array_equal(np.sort(np.floor(values * size)), np.arange(size))


def test_columns_are_independent() -> None:
    columns = np.stack([latin_hypercube(7, f"p{i}", 0) for i in range(40)])
    off = np.asarray(np.corrcoef(columns))[np.triu_indices(40, 1)]
    assert abs(off.mean()) < 0.01
    assert np.abs(off).max() < 5 / np.sqrt(BLOCK)


def test_a_stream_is_philox_keyed_by_a_digest() -> None:
    """The definition, written out: a run of one version can be repeated by the next, or in another language."""
    key = int.from_bytes(hashlib.blake2b(b"1|theta|3", digest_size=16).digest(), "little")
    np.testing.assert_array_equal(
        stream(1, "theta", 3).random(4), np.random.Generator(np.random.Philox(key=key)).random(4)
    )
