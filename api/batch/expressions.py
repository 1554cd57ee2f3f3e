"""Expressions over a caller's columns: the little of SQL that sums and skip patterns need, and nothing else."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

KEYWORDS = frozenset(
    [
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "COALESCE",
        "AND",
        "OR",
        "NOT",
        "IS",
        "NULL",
        "IN",
        "BETWEEN",
    ]
)
"""The words that an expression may use; any other is the name of a column."""
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d*)?|\.\d+)
      | (?P<name>[^\W\d]\w*)
      | "(?P<quoted>(?:[^"]|"")+)"
      | (?P<sign><=|>=|<>|!=|[-+*/()=<>,])
    )""",
    re.VERBOSE,
)
NUMBER = "__number_"
"""How the columns are called on which an expression works."""


class Expression(NamedTuple):
    """An expression that may be used: its text with columns renamed, and which name stands for which."""

    sql: str
    columns: Mapping[str, str]
    """Names of the caller's columns, by the name in `sql`."""

    @property
    def result(self) -> pl.Expr:
        """The expression over columns of numbers."""
        return pl.sql_expr(self.sql)

    @property
    def dtype(self) -> pl.DataType:
        """The type of its result."""
        frame = pl.LazyFrame(schema=dict.fromkeys(self.columns, pl.Float64))
        return frame.select(self.result.alias("result")).collect_schema()["result"]


def read_expression(text: str) -> Expression:
    """An expression checked word by word, so that nothing but columns and numbers can be in it.

    Raises:
        ValueError: where something else is, with its place, or where it makes no sense.
    """
    at = 0
    parts: list[str] = []
    names: dict[str, str] = {}
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if not found:
            place = at + len(text[at:]) - len(text[at:].lstrip())
            raise ValueError(
                f"what stands at character {place + 1} is not allowed; allowed are names of columns, "
                f"numbers, + - * / ( ) , comparisons, and {', '.join(sorted(KEYWORDS))}"
            )
        at = found.end()
        before = parts[-1] if parts else ""
        name = found["quoted"].replace('""', '"') if found["quoted"] else found["name"]
        if name is None or (found["name"] and name.upper() in KEYWORDS):
            parts.append(found[0].strip())
        elif before.startswith(NUMBER) or before in {")", "END", "NULL"}:
            place = found.end() - len(found[0].lstrip()) + 1
            raise ValueError(f"something is missing before the name at character {place}")
        elif text[at:].lstrip().startswith("("):
            raise ValueError(f"the function at character {found.start('name') + 1} is not allowed")
        else:
            names[NUMBER + name.encode().hex()] = name
            parts.append(NUMBER + name.encode().hex())
    return _try(Expression(" ".join(parts), names))


def _try(expression: Expression) -> Expression:
    """Refuse what the engine cannot read; what it says may name our columns, so only ours is told."""
    try:
        dtype = expression.dtype
    except pl.exceptions.PolarsError:
        raise ValueError("it cannot be made out; is a word or a bracket missing?") from None
    if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
        raise ValueError("its result is neither a number nor true or false")
    return expression
