"""Make the packaged result of the backcast, and the block of ``docs/backcast.md`` that shows it.

python scripts/publish_backcast.py           runs the backcasts (some minutes), keeps the result, writes the page
python scripts/publish_backcast.py --page    writes the page from the result as it is kept
"""

import json
import sys
import time
from pathlib import Path

from karvan.futures.backcast import DRAWS, backcast_all
from karvan.futures.backcast_loop import OWN_STUDIES
from karvan.futures.backcast_score import SHOCKS, block, choices, hub_scores, published, score, summarise, tables

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "backcast.md"
RESULT = ROOT / "src" / "karvan" / "futures" / "backcast_result.json"
BEGIN, END = "<!-- result: scripts/publish_backcast.py -->\n", "<!-- end of result -->"
DATES = ("2010", "2015")
OWN_DATES = ("2013", "2019")
"""Dates on which the government of a country with a built-in study had stated targets."""


def result() -> dict[str, object]:
    """All countries as of two dates, and those with a built-in study as of their own."""
    forecasts = backcast_all(DATES, draws=DRAWS, seed=1)
    own = []
    for forecast in backcast_all(OWN_DATES, sorted(OWN_STUDIES), draws=DRAWS, seed=1):
        rows = [row for row in score(forecast) if row.year not in SHOCKS]
        own.append(summarise(rows, forecast.as_of, forecast.country))
    words = f"karvan backcast --all --as-of {','.join(DATES)} --draws {DRAWS} --seed 1"
    return published(tables(forecasts), hub_scores(forecasts), words, choices(forecasts), own)


def main() -> None:
    """Run, keep, and replace what stands between the marks."""
    if "--page" not in sys.argv[1:]:
        begun = time.monotonic()
        text = json.dumps(result(), indent=1, ensure_ascii=False)
        RESULT.write_text(text + "\n", encoding="utf-8")
        print(f"backcasts made in {time.monotonic() - begun:.0f} s")
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}{block()}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
