"""Extraction, contribution, linkages, prices, decomposition, concentration and location quotients: their laws."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karvan.base.errors import InputError, UnknownName
from karvan.economy import (
    VARIANTS,
    InputOutputTable,
    aflq,
    augmentation,
    cilq,
    concentration_hhi,
    concentration_theil,
    contribution,
    extract,
    flq,
    price_effect,
    regional_coefficients,
    sda,
    slq,
)
from karvan.economy.linkages import linkages

Make = Callable[..., InputOutputTable]
SEEDS = st.integers(0, 2**32 - 1)
SHARES = st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4)


class TestExtraction:
    @settings(deadline=None, max_examples=20)
    @given(seed=SEEDS, k=st.integers(0, 5))
    def test_as_a_table_with_the_links_cut(self, random_table: Make, seed: int, k: int) -> None:
        """Independent route: zeros put into A (or B) and the whole system solved again."""
        t = random_table(seed)
        f, f0 = t.final_demand, t.final_demand.copy()
        f0[k] = 0
        cut = {name: t.A.copy() for name in VARIANTS}
        cut["complete"][k], cut["complete"][:, k] = 0, 0
        cut["backward"][:, k] = 0
        cut["forward"][k] = 0
        cut["off_diagonal"][k], cut["off_diagonal"][:, k] = 0, 0
        cut["off_diagonal"][k, k] = t.A[k, k]
        for variant in ("complete", "backward", "forward", "off_diagonal"):
            for keep, demand in ((True, f), (False, f0)):
                x = np.linalg.solve(np.eye(6) - cut[variant], demand)
                got = extract(t, t.sectors[k], variant=variant, keep_final_demand=keep)
                assert np.allclose(got.by_sector("output").values, t.output - x, atol=1e-8)
                v = t.coefficients("employment")
                assert got.total("employment") == pytest.approx(float(v @ (t.output - x)), abs=1e-8)

    def test_defaults_and_names(self, random_table: Make) -> None:
        t = random_table(1)
        assert not t.extract("s1").final_demand_kept and t.extract("s1", variant="backward").final_demand_kept
        assert t.extract("s1", variant="forward_ghosh").total() > 0
        with pytest.raises(UnknownName, match="no variant 'backwards'; did you mean 'backward'"):
            t.extract("s1", variant="backwards")

    @settings(deadline=None, max_examples=20)
    @given(seed=SEEDS)
    def test_contributions_by_final_demand_sum_to_one(self, random_table: Make, seed: int) -> None:
        t = random_table(seed)
        every = [contribution(t, label) for label in t.sectors]
        for account in t.accounts:
            assert sum(one.share_by_final_demand[account] for one in every) == pytest.approx(1)
            assert sum(one.share[account] for one in every) > 1  # gross: counted once in each chain it stands in

    @settings(deadline=None, max_examples=20)
    @given(seed=SEEDS)
    def test_contribution_is_complete_extraction(self, random_table: Make, seed: int) -> None:
        t = random_table(seed)
        one = t.contribution("s2")
        assert one.own["gva"] + one.upstream["gva"] == pytest.approx(t.extract("s2").total("gva"))
        assert t.employment is not None and one.own["employment"] == pytest.approx(t.employment[2])


class TestLinkages:
    def test_definitions(self, random_table: Make) -> None:
        t = random_table(3)
        got = t.linkages()
        assert np.allclose(got.backward.values, t.L.sum(axis=0)) and np.allclose(got.forward.values, t.G.sum(axis=1))
        assert got.backward_normalised.values.mean() == pytest.approx(1) and got.forward_kind == "ghosh"
        assert set(got.key) == {
            label for label in t.sectors if got.backward_normalised[label] > 1 and got.forward_normalised[label] > 1
        }
        old = linkages(t, forward="leontief", diagonal=False)
        assert np.allclose(old.forward.values, t.L.sum(axis=1) - np.diagonal(t.L)) and not old.diagonal
        assert np.allclose(old.backward.values, t.L.sum(axis=0) - np.diagonal(t.L))
        with pytest.raises(InputError, match="forward is 'rasmussen'"):
            t.linkages(forward="rasmussen")

    def test_forward_and_backward_are_one_table_seen_from_both_sides(self, random_table: Make) -> None:
        """G = diag(x)^-1 L diag(x): the supply-side inverse holds nothing that the demand-side one does not."""
        t = random_table(3)
        assert np.allclose(t.G, t.L * t.output / t.output[:, None])


class TestPrices:
    @settings(deadline=None, max_examples=20)
    @given(seed=SEEDS, rate=st.floats(-0.5, 0.5))
    def test_all_costs_up_alike_all_prices_up_alike(self, random_table: Make, seed: int, rate: float) -> None:
        t = random_table(seed)
        cost = 1 - t.A.sum(axis=0)
        assert np.allclose(price_effect(t, [rate] * 6, cost=list(cost)).values, rate)

    def test_accounts_sum(self, random_table: Make) -> None:
        t = random_table(2)
        parts = [t.price_effect([0.1] * 6, account=account).values for account in ("gva", "imports", "product_tax")]
        assert np.allclose(np.sum(parts, axis=0), 0.1)

    def test_cost_given_directly(self, random_table: Make) -> None:
        t = random_table(2)
        assert np.allclose(t.price_effect({"s1": 0.05}).values, 0.05 * t.L[1])

    def test_refused(self, random_table: Make) -> None:
        t = random_table(2)
        with pytest.raises(InputError, match="'employment' is not a primary cost"):
            t.price_effect({"s1": 0.1}, account="employment")
        with pytest.raises(InputError, match="expected one of them"):
            t.price_effect({"s1": 0.1}, account="income", cost=[1.0] * 6)


class TestDecomposition:
    @settings(deadline=None, max_examples=20)
    @given(
        seed=SEEDS, account=st.sampled_from(["output", "gva", "employment"]), method=st.sampled_from(["polar", "all"])
    )
    def test_parts_sum_to_the_change(self, random_table: Make, seed: int, account: str, method: str) -> None:
        before, after = random_table(seed), random_table(seed + 1)
        got = sda(before, after, account=account, method=method)
        whole = np.sum([part.values for part in got.parts.values()], axis=0)
        actual = after.coefficients(account) * after.output - before.coefficients(account) * before.output
        assert np.allclose(whole, got.change.values, rtol=1e-10, atol=1e-9)
        assert np.allclose(got.change.values, actual, atol=1e-7)

    def test_two_causes_have_only_two_orders(self, random_table: Make) -> None:
        one, all_ = (sda(random_table(1), random_table(2), method=method) for method in ("polar", "all"))
        for name in one.parts:
            assert np.allclose(one.parts[name].values, all_.parts[name].values)
            assert np.allclose((one.polar[0][name].values + one.polar[1][name].values) / 2, one.parts[name].values)

    def test_nothing_changed(self, random_table: Make) -> None:
        got = sda(random_table(1), random_table(1), account="gva")
        assert all(np.allclose(part.values, 0) for part in got.parts.values())

    def test_refused(self, random_table: Make, textbook: InputOutputTable) -> None:
        with pytest.raises(InputError, match="different sectors"):
            sda(random_table(1), random_table(1, 5))
        with pytest.raises(InputError, match="method is 'mean'"):
            sda(random_table(1), random_table(2), method="mean")
        dollars = InputOutputTable(
            textbook.Z, textbook.final_demand, sectors=["1", "2"], currency="EUR", unit="million", prices="basic",
            flows="domestic",
        )  # fmt: skip
        with pytest.raises(InputError, match="million USD at basic prices and million EUR"):
            sda(textbook, dollars)


class TestConcentration:
    @given(values=SHARES, factor=st.floats(0.01, 100))
    def test_range_and_scale(self, values: list[float], factor: float) -> None:
        hhi, theil = concentration_hhi(values), concentration_theil(values)
        assert 0.25 - 1e-12 <= hhi <= 1 and -1e-12 <= theil <= math.log(4) + 1e-12
        assert concentration_hhi(np.array(values) * factor) == pytest.approx(float(hhi))
        assert concentration_theil(np.array(values) * factor) == pytest.approx(float(theil))

    def test_ends(self) -> None:
        assert concentration_hhi([0, 5, 0, 0]) == 1
        assert concentration_theil([0, 5, 0, 0]) == pytest.approx(math.log(4))
        assert concentration_theil([2, 2, 2, 2]) == pytest.approx(0)
        assert np.isnan(concentration_hhi([0.0, 0.0]))

    def test_moving_from_the_largest_to_the_smallest_diversifies(self) -> None:
        before, after = [[10.0, 3, 2], [9.0, 3, 3]]
        assert concentration_theil(after) < concentration_theil(before)
        assert concentration_hhi(after) < concentration_hhi(before)

    def test_refused(self) -> None:
        with pytest.raises(InputError, match="values of 0 or more"):
            concentration_hhi([1.0, -1.0])


class TestQuotients:
    @given(nation=SHARES, share=st.floats(0.01, 1))
    def test_a_small_copy_of_the_nation(self, nation: list[float], share: float) -> None:
        """A region with the nation's mix has quotients of 1; only the size is left in FLQ."""
        region = np.array(nation) * share
        assert np.allclose(slq(region, nation), 1) and np.allclose(cilq(region, nation), 1)
        assert np.allclose(flq(region, nation, delta=0.3), np.log2(1 + share) ** 0.3)
        assert np.allclose(augmentation(region, nation), 1, atol=1e-9)

    @given(nation=SHARES, part=SHARES)
    def test_order_of_the_quotients(self, nation: list[float], part: list[float]) -> None:
        region = np.array(nation) * np.array(part)
        small, large = (flq(region, nation, delta=delta) for delta in (0.3, 0.1))
        assert np.allclose(flq(region, nation, delta=0.0), cilq(region, nation))
        assert (small <= large + 1e-12).all() and (large <= cilq(region, nation) + 1e-12).all()
        assert (aflq(region, nation, delta=0.3) >= small - 1e-12).all()

    @given(nation=SHARES, part=SHARES)
    def test_coefficients_are_cut_never_raised(self, nation: list[float], part: list[float]) -> None:
        region = np.array(nation) * np.array(part)
        A = np.full((4, 4), 0.1)
        for quotient in (slq(region, nation), cilq(region, nation), flq(region, nation, delta=0.2)):
            cut = regional_coefficients(A, quotient)
            assert (cut <= A + 1e-15).all() and (cut >= 0).all()

    def test_augmented_may_exceed_the_nation(self) -> None:
        region, nation = [90, 5, 5, 5], [100, 100, 100, 100]
        augment = augmentation(region, nation)
        got = regional_coefficients(np.full((4, 4), 0.1), flq(region, nation, delta=0.1), augment=augment)
        assert got[0, 0] > 0.1 and augment[0] == pytest.approx(math.log2(1 + 90 / 105 * 4))
        assert augment[1:].tolist() == [1, 1, 1]

    def test_industry_missing_at_home(self) -> None:
        assert slq([0, 10], [50, 50])[0] == 0
        assert not cilq([0, 10], [50, 50])[0].any()

    @pytest.mark.parametrize(
        ("region", "nation", "message"),
        [
            ([10, 10], [5, 50], "industry 0 is larger in the region"),
            ([-1, 10], [5, 50], "0 or more"),
            ([1, 1, 1], [5, 50], "expected the same"),
        ],
    )
    def test_refused(self, region: list[float], nation: list[float], message: str) -> None:
        with pytest.raises(InputError, match=message):
            slq(region, nation)

    def test_delta_and_shapes(self) -> None:
        with pytest.raises(InputError, match="delta is 1"):
            flq([1, 1], [5, 5], delta=1)
        with pytest.raises(InputError, match="expected \\(S, S\\)"):
            regional_coefficients(np.zeros((2, 3)), [1.0, 1.0])
