"""What is learnt in the year loop: by local suppliers, who share one country, and by the people of each plant.

The rules are those of :mod:`karvan.partnerships.learning`. No partner appears in what suppliers know: it outlasts the
partner's exit and fades. A supplier's price also falls with what is made a year, up to the minimum efficient scale of
its component group; the curve is that of a constant yearly volume, so that scale does not count twice. A plant's own
scale is its fixed cost over its volume, people who are there whatever is made among it.
"""

from dataclasses import replace

import numpy as np

from karvan.base.axes import Array
from karvan.facilities.ladder import Shares
from karvan.futures.block_plants import Plants
from karvan.futures.inputs import Draws, Prepared, parameter, steady
from karvan.partnerships.learning import (
    first_time_right,
    hours_per_car,
    hours_with_rework,
    local_share_path,
    supplier_experience,
    supplier_price_ratio,
)
from karvan.partnerships.sourcing import ratio_by_group, scale_ratio


class KnowHow:
    """What suppliers and people know, in one block of draws."""

    def __init__(self, prepared: Prepared, draws: Draws, plants: Plants, record: Array) -> None:
        """``record`` is (D, P), cars made a year before the start, for home and abroad."""
        names = prepared.layout.plants[: prepared.layout.own]
        self.plants = plants
        self.retained = np.clip(steady(prepared, draws, "supplier_retention"), 0.0, 0.99)[:, None]
        self.progress = steady(prepared, draws, "supplier_progress")
        self.floor = steady(prepared, draws, "supplier_floor")[:, None, None]
        made = (record[..., None] * plants.local_now).sum(axis=1)
        # As if the years on record had always been so: what is fed in a year balances what wears off.
        self.experience = made / (1.0 - self.retained)
        begin = steady(prepared, draws, "supplier_start")[:, None]
        self.experience_start = np.maximum(self.experience, begin)
        # The price at the start is that of the yearly volume which would keep what is known at the start as it is.
        self.reference = self.experience_start * (1.0 - self.retained)
        self.parts = np.zeros_like(made)
        self.scale_counts = bool(plants.scale_elasticity.any())
        self.start = plants.local_price_ratio
        if self.scale_counts:
            value = prepared.study.table("components")["share_mid"].to_numpy()
            scale, elasticity = plants.efficient_scale, plants.scale_elasticity
            self.start = ratio_by_group(plants.local_price_ratio[:, 0, 0], self.reference, scale, elasticity, value)
            self.start = self.start[:, None]

        self.labour_progress = np.clip(steady(prepared, draws, "labour_progress"), 1e-6, 1.0)
        self.labour_floor = np.clip(steady(prepared, draws, "labour_floor"), 0.0, 1.0)[:, None]
        year = plants.nameplate[:, 0]
        age = np.where(np.isfinite(plants.opened0), prepared.layout.years[0] - plants.opened0, 0.0)
        self.made_start = np.maximum(np.maximum(year, record * np.maximum(age, 0.0)), 1.0)
        self.made = np.where(np.isfinite(plants.opened0), record * np.maximum(age, 0.0), 0.0)
        self.training = np.zeros_like(record)
        self.hours = parameter(prepared, draws, "training_hours", names)
        self.half = np.maximum(steady(prepared, draws, "training_half"), 1e-6)[:, None]
        self.rework_hours = steady(prepared, draws, "rework_hours")[:, None]
        self.right_start = np.broadcast_to(np.asarray(plants.shares.rework, dtype=np.float64), record.shape)
        self.suppliers_learn = bool((self.progress < 1.0).any())
        self.people_learn = bool((self.labour_progress < 1.0).any())
        self.trains = bool(self.hours.any())

    @property
    def right(self) -> Array:
        """(D, P), share of cars right first time, after the training so far."""
        if not self.trains:
            return self.right_start
        return first_time_right(self.right_start, 1.0, self.training, training_half=self.half)

    def price_ratio(self) -> Array:
        """(D, 1, G) or (D, 1, 1), price of a local part over that of the same part in the kit."""
        if not (self.suppliers_learn or self.scale_counts):
            return self.start
        return supplier_price_ratio(
            self.start,
            self.experience[:, None],
            experience_start=self.experience_start[:, None],
            progress_ratio=self.progress[:, None, None],
            ratio_floor=self.floor,
            scale=self.scale()[:, None] if self.scale_counts else 1.0,
        )

    def scale(self) -> Array:
        """(D, G), what a local part costs at last year's volume over what it costs at the volume of the start."""
        plants = self.plants
        return scale_ratio(self.parts, plants.efficient_scale, plants.scale_elasticity, reference=self.reference)

    def people(self, per_1000: Array) -> Array:
        """(D, P), people per 1,000 cars after what was learnt; today's figure has today's rework in it."""
        out = per_1000
        if self.trains:
            again = self.rework_hours
            well = out / (1.0 + (1.0 - self.right_start) * again)
            out = hours_with_rework(well, self.right, again * well)
        if self.people_learn:
            out = hours_per_car(
                out,
                self.made,
                output_start=self.made_start,
                progress_ratio=self.labour_progress[:, None],
                hours_floor=self.labour_floor * out,
            )
        return out

    def shares(self) -> Shares:
        """The ladder's factors with the rework that training leaves."""
        return replace(self.plants.shares, rework=self.right) if self.trains else self.plants.shares

    def local(self, index: int) -> Array:
        """(D, P, G), share of a group's sets bought at home in a year."""
        plants = self.plants
        return local_share_path(plants.local_now, plants.local_target, float(index + 1), plants.half_life)

    def sets(self, output: Array, index: int) -> Array:
        """(D, G), sets of a group bought at home by all own plants together. output: (D, P), cars."""
        return np.asarray((output[..., None] * self.local(index)).sum(axis=1))

    def learn(self, output: Array, running: Array, index: int) -> None:
        """Take in a year. output: (D, P), cars; running: (D, P), share of the year that plants run."""
        if self.suppliers_learn or self.scale_counts:
            self.parts = self.sets(output, index)
        if self.suppliers_learn:
            self.experience = supplier_experience(self.experience, self.parts, retained=self.retained)
        if self.people_learn:
            self.made = self.made + output
        if self.trains:
            self.training = self.training + self.hours[:, min(index, self.hours.shape[1] - 1)] * running
