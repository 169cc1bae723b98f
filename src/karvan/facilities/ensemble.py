"""A plant inside an ensemble: the ladder's shares for thousands of draws of what is not known, in milliseconds.

Made once for each plant: the line's stand-in (:func:`~karvan.facilities.fit_surrogate`) and the shares at the centre.
Then a draw costs some microseconds, and its shares go straight into :func:`~karvan.facilities.capacity_ladder`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError
from karvan.facilities.ladder import Shares
from karvan.facilities.plant import Plant, any_in_line
from karvan.facilities.surrogate import Surrogate, fit_surrogate


@dataclass(frozen=True)
class PlantSurrogate:
    """What an ensemble needs of a plant. Made by :func:`plant_surrogate`."""

    centre: Shares
    """Shares at the central inputs, shape ()."""
    luck_sd: float
    """Standard deviation of a year's output by breakdowns alone, share of the mean."""
    spread: Array
    """(S,), standard deviation of the logarithms of MTBF and of MTTR by shop; 0 where nothing fails."""
    fitted: Surrogate | None
    """None where no shop ever fails, or where OEE counted in line stands for the line."""
    cycle_s: Array
    mtbf_min: Array
    mttr_min: Array
    fails: Array
    """(S,), 1 where the shop fails, else 0."""
    hours: Array
    """(S,), straight-time hours of the shop in a year."""
    line_hours: float
    work: Array
    """(S,), mean work on a car of the mix / ``cycle_s``; 1 without a mix."""

    @property
    def error(self) -> float:
        """Root-mean-square relative error of the line's rate, on draws held back from the fit; 0 where it is exact."""
        return 0.0 if self.fitted is None else self.fitted.error_rms

    def shares(self, mtbf_normals: ArrayLike, mttr_normals: ArrayLike) -> Shares:
        """Shares of the ladder for draws of the inputs: standard normals (..., S) for MTBF and MTTR of each shop.

        ``MTBF = centre exp(s z - s^2 / 2)``, MTTR likewise. Returns shares of shape (...); straight time, overtime,
        rework and kits stay at the centre.
        """
        z_up, z_down = np.asarray(mtbf_normals, dtype=np.float64), np.asarray(mttr_normals, dtype=np.float64)
        if z_up.shape[-1:] != self.spread.shape or z_down.shape[-1:] != self.spread.shape:
            raise InputError(
                f"plant surrogate: normals for {z_up.shape[-1:]} and {z_down.shape[-1:]} shops found; "
                f"expected {len(self.spread)}"
            )
        up = self.mtbf_min * np.exp(self.spread * z_up - self.spread**2 / 2.0)
        down = self.mttr_min * np.exp(self.spread * z_down - self.spread**2 / 2.0)
        rate = self.hours * 3600.0 / (self.cycle_s * self.work)
        alone = np.where(self.fails > 0, up / (up + down), 1.0) * rate
        worst = alone.min(axis=-1)
        straight = rate.min()
        shape = np.broadcast_shapes(z_up.shape[:-1], z_down.shape[:-1])
        if self.fitted is None:
            line = np.broadcast_to(np.asarray(self.centre.blocking_starving), shape)
        else:
            line = np.minimum(self.fitted.rate(self.cycle_s, up, down) * self.line_hours / worst, 1.0)
        return replace(self.centre, breakdowns=np.broadcast_to(worst / straight, shape), blocking_starving=line)


def plant_surrogate(plant: Plant, *, draws: int = 256, hours: float = 1000.0, seed: int = 1) -> PlantSurrogate:
    """Fit the stand-in of a plant: about a second for four shops.

    Parameters: draws of the fit; open hours of each run at 20 cars an hour or more, longer for slower lines; seed.
    """
    known = plant.known()
    shares, luck = plant.central_shares(seed=seed)
    fails = np.array([float(shop.mtbf_min is not None) for shop in known])
    fitted = None
    if fails.any() and not any_in_line(plant.shops):
        line = plant.line(rework=False, kits=False)
        spread = float(np.expm1(2.5 * max(shop.spread for shop in known)))  # 2.5 standard deviations either way
        stretch = plant.stretch
        fitted = fit_surrogate(
            line, spread=spread, hours=hours * stretch, draws=draws, seed=seed, warmup_hours=100.0 * stretch
        )
    return PlantSurrogate(
        centre=shares,
        luck_sd=luck,
        spread=np.array([shop.spread for shop in known]) * fails,
        fitted=fitted,
        cycle_s=np.array([shop.cycle_s for shop in known]),
        mtbf_min=np.array([float(shop.mtbf_min or 1.0) for shop in known]),
        mttr_min=np.array([float(shop.mttr_min or 1.0) for shop in known]),
        fails=fails,
        hours=np.array([plant.shop_hours(shop) for shop in plant.shops]),
        line_hours=plant.line_hours,
        work=np.ones(len(known)) if plant.mix is None else plant.mix.means,
    )
