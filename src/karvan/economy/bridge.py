"""From the price a buyer pays to the demand a factory feels.

Purchasers' price = basic price + trade and transport margins + taxes less subsidies on products. Of the basic value a
part is imported. So a purchase of 100 becomes: tax to the government, margins to trade and transport, imports abroad,
and the rest to the home industry. Putting the whole 100 on the factory is the commonest mistake in home-made studies.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from karvan.base.axes import Array
from karvan.base.errors import InputError


@dataclass(frozen=True, eq=False)
class BridgedDemand:
    """One bill of purchases, taken apart. The parts sum to what was paid."""

    domestic: Array
    """(S,), demand for home industries at basic prices, margins included in trade and transport, money."""
    imports: float
    """Imported products at basic (c.i.f.) prices, money."""
    product_tax: float
    """Taxes less subsidies on products, money."""
    margins: float
    """Trade and transport margins (already inside ``domestic``), money."""


@dataclass(frozen=True, eq=False)
class PriceBridge:
    """How purchasers' prices of each product split up. Every share is given by the caller; none is assumed here."""

    margins: Array
    """(S,), trade and transport margins, share of 1 of the purchasers' price."""
    product_tax: Array
    """(S,), taxes less subsidies on products, share of 1 of the purchasers' price; below 0 for a subsidy."""
    imports: Array
    """(S,), imported part of the basic value, share of 1."""
    margin_sectors: Array
    """(S,), which industries earn the margins: shares that sum to 1."""

    def __post_init__(self) -> None:
        size = np.shape(self.margins)
        for name in ("margins", "product_tax", "imports", "margin_sectors"):
            value = np.array(getattr(self, name), dtype=np.float64)
            if value.shape != size or value.ndim != 1 or not np.isfinite(value).all():
                raise InputError(f"bridge: {name} has shape {value.shape}; expected {size}, one number a product")
            object.__setattr__(self, name, value)
        for name in ("margins", "imports", "margin_sectors"):
            value = getattr(self, name)
            if value.min(initial=0) < 0 or value.max(initial=0) > 1:
                raise InputError(f"bridge: {name} must be shares between 0 and 1; found {value.min()} to {value.max()}")
        if (self.margins + self.product_tax > 1 + 1e-12).any():
            k = int(np.argmax(self.margins + self.product_tax))
            raise InputError(f"bridge: margins and taxes take more than the whole price of product {k}")
        if self.margins.any() and abs(float(self.margin_sectors.sum()) - 1) > 1e-9:
            raise InputError(
                f"bridge: margin_sectors sum to {self.margin_sectors.sum():.6g}; expected 1, or margins would be lost"
            )

    def to_basic(self, purchases: ArrayLike) -> BridgedDemand:
        """Purchases at purchasers' prices (S,) as demand at basic prices, imports and taxes.

        ``basic = p (1 - margin - tax)``; home demand ``= basic (1 - import share)`` plus the margins in the industries
        that earn them. SNA 2008, paragraphs 6.51 to 6.69 and 14.118 onward.

        >>> cars = PriceBridge([0.25, 0.0], [0.1, 0.0], [0.4, 0.0], [0.0, 1.0])    # made up: a car, and trade
        >>> cars.to_basic([100.0, 0.0])
        BridgedDemand(domestic=array([39., 25.]), imports=26.0, product_tax=10.0, margins=25.0)
        """
        paid = np.asarray(purchases, dtype=np.float64)
        if paid.shape != self.margins.shape:
            raise InputError(f"purchases have shape {paid.shape}; expected {self.margins.shape}, one number a product")
        tax = paid * self.product_tax
        margin = paid * self.margins
        basic = paid - tax - margin
        abroad = basic * self.imports
        domestic = basic - abroad + self.margin_sectors * margin.sum()
        return BridgedDemand(domestic, float(abroad.sum()), float(tax.sum()), float(margin.sum()))
