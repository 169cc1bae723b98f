"""What partners promised and what came: the record of deals as a prior for the next one.

Three questions. How much of the promised volume is delivered (a Beta distribution fitted to the ratios on record)? How
likely is it that a partner leaves (events over years at risk, a Gamma distribution for the yearly hazard)? And who gets
what of each car: the partner for its kit, the carrier, the state, suppliers at home and abroad, workers, owners?

The record is short and the press writes of openings more than of endings: unknown volumes stay unknown (nan), and the
spread of every prior is part of the answer.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import AnyArray, Array
from karvan.base.checks import number
from karvan.base.errors import InputError
from karvan.partnerships.sourcing import ExWorks

STATES: tuple[str, ...] = ("announced", "active", "ended", "unclear")
"""A deal is announced (nothing made yet), active, ended (the partner left or production stopped), or unclear (nobody
says whether it goes on): that one counts neither as an exit nor as time at risk."""

_EDGE = 1e-3
"""Ratios of 0 and 1 are moved in by this much: a Beta distribution has no likelihood there."""


@dataclass(frozen=True)
class BetaPrior:
    """A Beta distribution for a share, with how much it rests on."""

    a: float
    """First shape, above 0."""
    b: float
    """Second shape, above 0."""
    count: int
    """Observations it was fitted to."""

    @property
    def mean(self) -> float:
        """``a / (a + b)``."""
        return self.a / (self.a + self.b)

    @property
    def sd(self) -> float:
        """Standard deviation of the share from deal to deal."""
        total = self.a + self.b
        return float(np.sqrt(self.a * self.b / (total + 1.0)) / total)

    def quantile(self, probability: ArrayLike) -> Array:
        """The share below which a deal falls with this probability; uniform numbers in, draws out, same shape."""
        from scipy.special import betaincinv  # slow to import; only drawing needs it

        p = number("probability", probability, "a probability from 0 to 1", low=0.0, high=1.0)
        return np.asarray(betaincinv(self.a, self.b, p), dtype=np.float64)


@dataclass(frozen=True)
class GammaPosterior:
    """What is known of a yearly hazard: Gamma with ``shape`` events in ``rate`` years."""

    shape: float
    """Events, those of the prior included; above 0."""
    rate: float
    """Years at risk, those of the prior included; above 0."""

    @property
    def mean(self) -> float:
        """Expected events per year."""
        return self.shape / self.rate

    def quantile(self, probability: ArrayLike) -> Array:
        """The hazard per year below which the truth lies with this probability; uniform numbers in, draws out."""
        from scipy.special import gammaincinv  # slow to import; only drawing needs it

        p = number("probability", probability, "a probability from 0 to below 1", low=0.0, high=1.0, open_high=True)
        return np.asarray(gammaincinv(self.shape, p) / self.rate, dtype=np.float64)

    def odds_within(self, years: ArrayLike) -> Array:
        """The probability of the event within so many years, the hazard itself being uncertain.

        ``1 - (rate / (rate + t))^shape``: the exponential mixed over the Gamma (Lomax).
        """
        time = number("years", years, "years, 0 or more", low=0.0)
        return np.asarray(-np.expm1(-self.shape * np.log1p(time / self.rate)))


@dataclass(frozen=True)
class DealOutcomes:
    """The deals on record, one each; every array is (n,)."""

    promised: Array
    """Units per year as announced, above 0; nan where no figure is known."""
    delivered: Array
    """Units in the best year on record, 0 or more; nan where no figure is known."""
    years: Array
    """Years from the beginning of production to its end, or to the day of the record; nan where it never began."""
    state: AnyArray
    """One of :data:`STATES`."""

    def __post_init__(self) -> None:
        shapes = {np.shape(x) for x in (self.promised, self.delivered, self.years, self.state)}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise InputError(
                f"deals: found arrays of shapes {sorted(shapes)}; expected four of one length, one per deal"
            )
        unknown = sorted({str(state) for state in self.state} - set(STATES))
        if unknown:
            raise InputError(f"state: found {unknown[0]!r}; expected one of {', '.join(STATES)}")
        for name, values, low in (
            ("promised", self.promised, "above 0"),
            ("delivered", self.delivered, "0 or more"),
            ("years", self.years, "0 or more"),
        ):
            known = np.asarray(values, dtype=np.float64)
            known = known[~np.isnan(known)]
            number(name, known, f"{low}, or nan where nothing is known", low=0.0, open_low=name == "promised")

    @property
    def ratio(self) -> Array:
        """Delivered over promised, (n,); nan where either is unknown."""
        return np.asarray(self.delivered / self.promised)

    def stats(self) -> "DealStats":
        """The ratios and the exits in a few figures."""
        ratio = self.ratio[~np.isnan(self.ratio)]
        began = ~np.isnan(self.years) & ((self.state == "active") | (self.state == "ended"))
        quartiles = np.quantile(ratio, [0.25, 0.5, 0.75]) if ratio.size else np.full(3, np.nan)
        return DealStats(
            count=len(self.state),
            known=int(ratio.size),
            ratio_low=float(quartiles[0]),
            ratio_median=float(quartiles[1]),
            ratio_high=float(quartiles[2]),
            kept=float(np.mean(ratio >= 1.0)) if ratio.size else float("nan"),
            exits=int(np.sum(began & (self.state == "ended"))),
            exposure=float(self.years[began].sum()),
        )


@dataclass(frozen=True)
class DealStats:
    """The record in figures."""

    count: int
    """Deals."""
    known: int
    """Deals of which both the promise and the outcome are known."""
    ratio_low: float
    """Lower quartile of delivered / promised; nan if none is known."""
    ratio_median: float
    """Median of delivered / promised."""
    ratio_high: float
    """Upper quartile of delivered / promised."""
    kept: float
    """Share of the known deals that delivered all they promised."""
    exits: int
    """Deals that began and ended."""
    exposure: float
    """Years of production of all deals that began: the time at risk."""


def beta_prior(ratios: ArrayLike, *, method: Literal["likelihood", "moments"] = "likelihood") -> BetaPrior:
    """The Beta distribution of delivered over promised volume, from the ratios on record.

    Moments: ``a + b = m (1 - m) / s^2 - 1``, ``a = m (a + b)``. Likelihood: from there by a fixed number of Newton
    steps on ``psi(a) - psi(a + b) = mean ln x``, ``psi(b) - psi(a + b) = mean ln (1 - x)`` in the logs of ``a`` and
    ``b`` (Johnson, Kotz and Balakrishnan, 1995, ch. 25).

    Parameters
    ----------
    ratios : (n,), delivered over promised; nan is left out, above 1 counts as 1. At least 3 known, not all equal.
    method : ``likelihood`` or ``moments``.

    Returns
    -------
    BetaPrior
    """
    known = np.asarray(ratios, dtype=np.float64).ravel()
    known = number("ratios", known[~np.isnan(known)], "a ratio, 0 or more", low=0.0)
    x = np.clip(known, _EDGE, 1.0 - _EDGE)
    if x.size < 3 or float(np.ptp(x)) == 0.0:
        raise InputError(f"ratios: found {x.size} known; expected at least 3 that differ; take an assumed prior")
    mean, variance = float(x.mean()), float(x.var(ddof=1))
    total = max(mean * (1.0 - mean) / variance - 1.0, 0.1)  # two-pointed data can give 0 or less
    a, b = mean * total, (1.0 - mean) * total
    if method == "likelihood":
        a, b = _beta_newton(a, b, float(np.log(x).mean()), float(np.log1p(-x).mean()))
    return BetaPrior(a=a, b=b, count=int(x.size))


def exit_hazard(exits: float, exposure: float, *, prior_exits: float = 0.5, prior_years: float = 0.0) -> GammaPosterior:
    """How likely a partner is to leave in a year, from exits counted over years at risk.

    Exits are Poisson in the years at risk; with a Gamma prior the hazard is Gamma(``prior_exits + exits``,
    ``prior_years + exposure``). The default prior is that of Jeffreys, which adds half an exit and no years.

    Parameters
    ----------
    exits : deals that ended, 0 or more.
    exposure : years of production of all deals, above 0 with those of the prior.
    prior_exits, prior_years : the prior's own events and years, 0 or more.

    Returns
    -------
    GammaPosterior, per year.

    >>> round(exit_hazard(4, 60.0).mean, 4)
    0.075
    """
    events = float(number("exits", exits, "a count, 0 or more", low=0.0))
    years = float(number("exposure", exposure, "years, 0 or more", low=0.0))
    before = float(number("prior_exits", prior_exits, "a count, 0 or more", low=0.0))
    at_risk = float(number("prior_years", prior_years, "years, 0 or more", low=0.0))
    if events + before <= 0.0 or years + at_risk <= 0.0:
        raise InputError(
            f"exit_hazard: found {events + before:g} exits in {years + at_risk:g} years, prior included; "
            "expected both above 0; give a prior"
        )
    return GammaPosterior(shape=events + before, rate=years + at_risk)


@dataclass(frozen=True)
class PartnerBalance:
    """Who gets what of a car; each (..., P), share of the ex-works price. They sum to 1."""

    partner: Array
    """The partner: its kit and its part of the margin."""
    carriers: Array
    """Freight and insurance of the kit."""
    state: Array
    """Duty on the kit."""
    suppliers_home: Array
    """Value added by suppliers at home."""
    suppliers_abroad: Array
    """Imports inside the parts bought at home."""
    labour: Array
    """Wages of the plant, with what the employer pays on top."""
    overhead: Array
    """Fixed cost of the plant."""
    owners_home: Array
    """Margin that stays at home."""


def partner_balance(
    costs: ExWorks, local_parts: ArrayLike, domestic_content: ArrayLike, partner_margin: ArrayLike = 0.0
) -> PartnerBalance:
    """What the partner and everybody else take from a car, as shares of its ex-works price.

    Parameters
    ----------
    costs : :class:`~karvan.partnerships.sourcing.ExWorks`, its price above 0.
    local_parts : (..., P, G), money per car, from :func:`~karvan.partnerships.sourcing.local_parts_cost`.
    domestic_content : (G,), (..., 1, G) or (..., P, G), share of a local part's price added at home, from 0 to 1.
    partner_margin : (..., P) or scalar, share of the margin that goes to the partner (its stake, or a licence fee),
        from 0 to 1.

    Returns
    -------
    PartnerBalance
    """
    parts = number("local_parts", local_parts, "money per car, 0 or more", low=0.0)
    inside = number("domestic_content", domestic_content, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    taken = number("partner_margin", partner_margin, "a share of 1, from 0 to 1", low=0.0, high=1.0)
    price = number("costs", costs.total, "an ex-works price above 0", low=0.0, open_low=True)
    home = (parts * inside).sum(axis=-1)
    return PartnerBalance(
        partner=(costs.kit + taken * costs.margin) / price,
        carriers=costs.kit_freight / price,
        state=costs.kit_duty / price,
        suppliers_home=home / price,
        suppliers_abroad=(costs.local_parts - home) / price,
        labour=costs.labour / price,
        overhead=costs.overhead / price,
        owners_home=(1.0 - taken) * costs.margin / price,
    )


def _beta_newton(a: float, b: float, log_mean: float, log1m_mean: float, steps: int = 60) -> tuple[float, float]:
    """Maximum likelihood of a Beta distribution by Newton's method in ``(ln a, ln b)``, steps bounded at a factor e."""
    from scipy.special import polygamma, psi  # slow to import

    theta = np.log([a, b])
    for _ in range(steps):
        a, b = (float(v) for v in np.exp(theta))
        both = float(psi(a + b))
        gradient = np.array([a * (both - float(psi(a)) + log_mean), b * (both - float(psi(b)) + log1m_mean)])
        shared = float(polygamma(1, a + b))
        # Fisher scoring: the expected information is positive definite everywhere, so each step goes uphill.
        information = np.array(
            [
                [a * a * (float(polygamma(1, a)) - shared), -a * b * shared],
                [-a * b * shared, b * b * (float(polygamma(1, b)) - shared)],
            ]
        )
        theta = theta + np.clip(np.linalg.solve(information, gradient), -1.0, 1.0)
    return float(np.exp(theta[0])), float(np.exp(theta[1]))
