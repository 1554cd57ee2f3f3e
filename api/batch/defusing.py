"""Cells that a spreadsheet would run as a formula: an apostrophe is put in front of them, and taken off on reading."""

import re

import polars as pl

_STARTS = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$"
_DEFUSED = r"^'[=+\-@\t\r]"


def defuse(cell: pl.Expr) -> pl.Expr:
    """A column of text in which nothing can run."""
    may_run = cell.str.contains(_STARTS) & ~cell.str.contains(_NUMBER)
    return pl.when(may_run).then(pl.lit("'") + cell).otherwise(cell)


def restore(frame: pl.DataFrame) -> pl.DataFrame:
    """Text as it was before it was defused."""
    return frame.with_columns(
        pl.when(
            pl.col(name).str.contains(_DEFUSED) & ~pl.col(name).str.slice(1).str.contains(_NUMBER)
        )
        .then(pl.col(name).str.slice(1))
        .otherwise(pl.col(name))
        .alias(name)
        for name, kind in frame.schema.items()
        if kind == pl.String
    )


def defuse_text(text: str) -> str:
    """A single text in which nothing can run."""
    may_run = re.match(_STARTS, text) and not re.match(_NUMBER, text)
    return f"'{text}" if may_run else text


def restore_text(text: str) -> str:
    """A single text as it was before."""
    was_defused = re.match(_DEFUSED, text) and not re.match(_NUMBER, text[1:])
    return text[1:] if was_defused else text


def quote(cell: pl.Expr, separator: str) -> pl.Expr:
    """A column of text as it stands in delimited text; the engine itself forgets carriage returns."""
    needs = cell.str.contains(f'["\r\n{re.escape(separator)}]')
    doubled = cell.str.replace_all('"', '""', literal=True)
    return pl.when(needs).then(pl.lit('"') + doubled + pl.lit('"')).otherwise(cell)
