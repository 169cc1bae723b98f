"""Questions to a kept run in SQL, answered by DuckDB over its Parquet files. Nothing is written."""

import re
from pathlib import Path

import polars as pl

from karvan.base.errors import nearest
from karvan.futures.chunks import FULL, chunk_names
from karvan.futures.store import RunFault, read


def query(folder: Path, sql: str) -> pl.DataFrame:
    """The answer to a SELECT over the tables of a run.

    Tables: ``figures`` (draw, year, plant, a column a quantity; plant ``total`` is the country) and ``markets`` (year,
    market, quantity, quantile, value). A run kept in full has ``market_draws``, ``sector_draws`` and ``offer_draws``.

    Errors: :class:`RunFault` for a run that is not whole, a statement that is no SELECT, and whatever DuckDB refuses.
    """
    import duckdb

    run = read(folder)
    with duckdb.connect(":memory:") as database:
        tables = {"figures": chunk_names("figures", run.manifest["draws"]), "markets": ["markets.parquet"]}
        if run.manifest["keep"] == "full":
            tables |= {f"{name[:-1]}_draws": chunk_names(name, run.manifest["draws"]) for name in FULL}
        database.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        for name, files in tables.items():
            paths = ", ".join("'" + str(folder / file).replace("'", "''") + "'" for file in files)
            database.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{paths}])")
        # From here on files of the run can be read, and nothing else.
        inside = str(folder.resolve()).replace("'", "''")
        try:
            database.execute(f"SET allowed_directories = ['{inside}/', '{str(folder).replace(chr(39), chr(39) * 2)}/']")
            database.execute("SET enable_external_access = false; SET lock_configuration = true")
            statements = database.extract_statements(sql)
            kinds = {statement.type for statement in statements}
            if len(statements) != 1 or kinds - {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}:
                raise RunFault(f"'{sql.strip()[:80]}' is not one SELECT; a kept run can be asked, not changed")
            return _frame(database.execute(statements[0]))
        except duckdb.Error as error:
            words = str(error).strip().splitlines()[0]
            hint = _hint(words, list(tables), database_columns(folder))
            raise RunFault(f"the query cannot be answered: {words}{hint}") from None


def database_columns(folder: Path) -> list[str]:
    """Columns of the figures of a run."""
    return list(pl.read_parquet_schema(folder / "figures-00000.parquet"))


def _hint(words: str, tables: list[str], columns: list[str]) -> str:
    """What might have been meant: a table where one is missing, else a column too."""
    table = re.search(r"Table with name (\w+) does not exist", words)
    if table:
        asked = table[1]
        if asked in columns:
            return f"; {asked} is a column: select year, median({asked}) from figures where plant = 'total' ..."
        return f"; {nearest(asked, tables) or 'tables: ' + ', '.join(tables)}"
    found = re.search(r'"(\w+)"', words)
    hint = nearest(found[1], [*tables, *columns]) if found and "syntax error" not in words else ""
    return f"; {hint}" if hint else ""


def _frame(result: object) -> pl.DataFrame:
    """A DuckDB answer as a Polars frame, by way of plain Python: answers are small."""
    names = [column[0] for column in result.description]  # type: ignore[attr-defined]
    rows = result.fetchall()  # type: ignore[attr-defined]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
