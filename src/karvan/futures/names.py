"""Names in words: countries, and what a plant offers."""

from karvan.futures.layout import Layout
from karvan.study.world import BLOCKS, world_table


def readable(name: str) -> str:
    """An id as words: ``hyundai_kia`` becomes ``Hyundai Kia``."""
    return " ".join(part[:1].upper() + part[1:] for part in name.replace(".", " ").split("_"))


def country_name(code: str) -> str:
    """The name of a country, or of several together; the code where the world tables do not know it."""
    if code in BLOCKS:
        return BLOCKS[code]
    rows = world_table("countries").filter(country=code)
    return str(rows["name"][0]) if rows.height else code


def offer_name(layout: Layout, offer: str) -> str:
    """An offer in words: brand and country of the plant."""
    v = layout.offers.index(offer)
    brand = layout.brands[layout.offer_brand[v]].split("@")[0]
    country = country_name(layout.country[layout.offer_plant[v]])
    if offer.startswith("unannounced"):
        return f"Newcomer from {country}"
    # A starter study has one brand a country, which is none.
    return f"Cars from {country}" if brand.endswith("_makers") else f"{readable(brand)} from {country}"
