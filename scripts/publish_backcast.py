"""Write the result block of ``docs/backcast.md`` from the packaged result.

karvan backcast --all --as-of 2010,2015 --save src/karvan/futures/backcast_result.json    makes the result
python scripts/publish_backcast.py                                                        writes the page
"""

from pathlib import Path

from karvan.futures.backcast_score import block

PAGE = Path(__file__).resolve().parents[1] / "docs" / "backcast.md"
BEGIN, END = "<!-- result: scripts/publish_backcast.py -->\n", "<!-- end of result -->"


def main() -> None:
    """Replace what stands between the marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}{block()}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
