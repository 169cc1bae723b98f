"""``karvan query``: ask a kept run in SQL."""

from pathlib import Path

import click

from karvan.commands.common import emit, json_option, refuse


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("sql", metavar="SELECT")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@json_option
@refuse
def command(folder: Path, sql: str, as_csv: bool, as_json: bool) -> None:
    """Ask a kept run in SQL.

    \b
    Tables:
      figures  draw, year, plant ('total' is the country), a column a quantity
      markets  year, market, quantity, quantile, value
    Example:
      karvan query runs/RUN "select year, median(output) from figures where plant = 'total' group by year order by year"
    """
    import polars as pl

    from karvan.futures.query import query

    found = query(folder, sql)
    if as_json:
        emit(found.to_dicts())
    elif as_csv:
        click.echo(found.write_csv(), nl=False)
    else:
        with pl.Config(
            tbl_rows=200,
            tbl_cols=40,
            tbl_width_chars=160,
            tbl_hide_dataframe_shape=True,
            tbl_hide_column_data_types=True,
        ):
            click.echo(str(found))
