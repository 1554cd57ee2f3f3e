"""REDCap in small, going by what its help says: calculations, branching logic, exports and imports."""

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

TOKEN = re.compile(
    r'\s*(?:\[(?P<field>\w+)\]|"(?P<text>[^"]*)"|(?P<number>\d+(?:\.\d+)?)|(?P<word>[a-z]+)'
    r"|(?P<sign><>|<=|>=|[-+*/=<>(),]))"
)
BLANK = ""
MISSING = {"-999": "Not asked", "UNK": "Unknown"}
"""Codes that a project has for values that are missing, with their labels; they stand in fields as values do."""


class Calculation:
    """One expression over the fields of a record, each a text as an export has it; empty fields are blank."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = TOKEN.match(text, at)
            assert found, f"cannot read {text[at : at + 20]!r}"
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind]))
            at = found.end()

    @property
    def fields(self) -> set[str]:
        """The fields that it names."""
        return {value for kind, value in self.tokens if kind == "field"}

    def of(self, record: Mapping[str, Any]) -> Any:
        """What it comes to for a record."""
        self._at, self._record = 0, record
        value = self._or()
        assert self._at == len(self.tokens), "something is left over"
        return value

    def _next(self, *wanted: str) -> str | None:
        if self._at < len(self.tokens):
            kind, value = self.tokens[self._at]
            if kind in ("sign", "word") and value in wanted:
                self._at += 1
                return value
        return None

    def _or(self) -> Any:
        value = self._and()
        while self._next("or"):
            other = self._and()
            value = bool(value) or bool(other)
        return value

    def _and(self) -> Any:
        value = self._compared()
        while self._next("and"):
            other = self._compared()
            value = bool(value) and bool(other)
        return value

    def _compared(self) -> Any:
        value = self._sum()
        if sign := self._next("=", "<>", "<", ">", "<=", ">="):
            return compare(value, sign, self._sum())
        return value

    def _sum(self) -> Any:
        value = self._product()
        while sign := self._next("+", "-"):
            other = self._product()
            value = count(value, other, lambda a, b, sign=sign: a + b if sign == "+" else a - b)
        return value

    def _product(self) -> Any:
        value = self._single()
        while sign := self._next("*", "/"):
            other = self._single()
            value = count(
                value, other, lambda a, b, sign=sign: a * b if sign == "*" else divide(a, b)
            )
        return value

    def _single(self) -> Any:
        if self._next("-"):
            return count(0, self._single(), lambda a, b: a - b)
        if self._next("("):
            value = self._or()
            assert self._next(")")
            return value
        kind, token = self.tokens[self._at]
        self._at += 1
        if kind == "field":
            return self._record.get(token, BLANK)
        if kind == "text":
            return token
        if kind == "number":
            return float(token)
        return FUNCTIONS[token](*self._arguments())

    def _arguments(self) -> list[Any]:
        assert self._next("(")
        given = [self._or()]
        while self._next(","):
            given.append(self._or())
        assert self._next(")")
        return given


def to_number(value: Any) -> float | None:
    """A value as a number; a blank and a word are none."""
    try:
        return float(value)
    except ValueError:
        return None


def count(one: Any, other: Any, work: Any) -> Any:
    """What comes of two numbers; blank where one of them is."""
    first, second = to_number(one), to_number(other)
    return BLANK if first is None or second is None else work(first, second)


def divide(one: float, other: float) -> Any:
    return one / other if other else BLANK


def compare(one: Any, sign: str, other: Any) -> bool:
    """Numbers are compared as numbers, everything else as text; a blank is less than nothing and more than nothing."""
    first, second = to_number(one), to_number(other)
    if first is None or second is None:
        return {"=": str(one) == str(other), "<>": str(one) != str(other)}.get(sign, False)
    answers = {
        "=": first == second,
        "<>": first != second,
        "<": first < second,
        ">": first > second,
    }
    return {**answers, "<=": first <= second, ">=": first >= second}[sign]


def numbers(values: tuple[Any, ...]) -> list[float]:
    """Those that are numbers: the others are passed over."""
    return [number for value in values if (number := to_number(value)) is not None]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "isblankormissingcode": lambda value: value == BLANK or str(value) in MISSING,
    "if": lambda condition, value, otherwise: value if condition else otherwise,
    "min": lambda *values: min(numbers(values), default=BLANK),
    "max": lambda *values: max(numbers(values), default=BLANK),
    "rounddown": lambda value, places: count(
        value, 10.0**places, lambda number, ten: math.trunc(number * ten) / ten
    ),
}


CHECKED = {True: "Checked", False: "Unchecked"}
YES_NO = {"1": "Yes", "0": "No"}
FORM_STATES = {"0": "Incomplete", "1": "Unverified", "2": "Complete", "": ""}
KEYS = {
    "redcap_event_name": "Event Name",
    "redcap_repeat_instrument": "Repeat Instrument",
    "redcap_repeat_instance": "Repeat Instance",
}
"""What exports have beside the record where there are several rows a record, and its heading."""
NUMBERS = ("number", "integer")


def name_box(code: str) -> str:
    """How the column of a box ends."""
    return code.lower().replace("-", "_")


class Project:
    """A project made from a data dictionary: it exports records as REDCap does, and takes scores in."""

    def __init__(self, dictionary: str) -> None:
        self.rows = list(csv.DictReader(io.StringIO(dictionary)))
        self.columns = list(self.rows[0])
        self.fields = {row[self.columns[0]]: row for row in self.rows}
        self.record = self.rows[0][self.columns[0]]
        self.calculations = {
            name: Calculation(row[self.columns[5]])
            for name, row in self.fields.items()
            if self.kind(name) == "calc"
        }

    def kind(self, name: str) -> str:
        return self.fields[name][self.columns[3]]

    def label(self, name: str) -> str:
        return self.fields[name][self.columns[4]]

    def choices(self, name: str) -> dict[str, str]:
        """The labels of a field's choices by code."""
        if self.kind(name) == "yesno":
            return YES_NO
        given = self.fields[name][self.columns[5]].split(" | ")
        return {code: label for code, _, label in (choice.partition(", ") for choice in given)}

    def work_out(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record with what its calculated fields come to."""
        filled = {**record}
        for name, calculation in self.calculations.items():
            filled[name] = str(calculation.of(filled))
        return filled

    def list_columns(self, names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """The columns of an export: field, code of a box, and heading; `names` are the keys it has."""
        yield self.record, "", self.label(self.record)
        for name in names:
            yield name, "", KEYS[name]
        for form in dict.fromkeys(row[self.columns[1]] for row in self.rows):
            for name, row in self.fields.items():
                if row[self.columns[1]] != form or name == self.record:
                    continue
                if self.kind(name) == "checkbox":
                    for code, label in {**self.choices(name), **MISSING}.items():
                        yield name, code, f"{self.label(name)} (choice={label})"
                elif self.kind(name) != "descriptive":
                    yield name, "", self.label(name)
            yield f"{form}_complete", "", "Complete?"

    def export(
        self,
        records: Sequence[Mapping[str, Any]],
        *,
        labels: bool = False,
        headings: bool = False,
        comma: bool = False,
    ) -> str:
        """Records as CSV; each is a row of texts by field, with the codes that are ticked for a checkbox."""
        keys = [name for name in KEYS if any(name in record for record in records)]
        columns = [
            (name, code, heading)
            for name, code, heading in self.list_columns(keys)
            if code not in MISSING or any(record.get(name) == code for record in records)
        ]
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            heading if headings else f"{name}___{name_box(code)}" if code else name
            for name, code, heading in columns
        )
        for record in records:
            writer.writerow(
                self._put(record, name, code, labels=labels, comma=comma)
                for name, code, _ in columns
            )
        return file.getvalue()

    def _put(
        self, record: Mapping[str, Any], name: str, code: str, *, labels: bool, comma: bool
    ) -> str:
        value: Any = record.get(name, BLANK)
        if code:
            if str(value) in MISSING and code not in MISSING:
                return BLANK
            ticked = code == value if code in MISSING else code in value
            return CHECKED[ticked] if labels else str(int(ticked))
        if name not in self.fields:
            return str(FORM_STATES.get(value, value) if labels and name not in KEYS else value)
        if self.kind(name) in ("radio", "yesno"):
            told = {**self.choices(name), **MISSING}
            return str(told[value] if labels and value else value)
        is_number = self.kind(name) == "calc" or self.fields[name][self.columns[7]] in NUMBERS
        return str(value).replace(".", ",") if comma and is_number else str(value)

    def take_in(self, text: str) -> list[dict[str, str]]:
        """The rows of an import file; fails where the data import tool would not take it."""
        rows = list(csv.DictReader(io.StringIO(text)))
        header = next(csv.reader(io.StringIO(text)))
        forms = {row[self.columns[1]] for row in self.rows}
        assert header[0] == self.record
        for row in rows:
            assert row[self.record]
            for name, value in row.items():
                if name in (self.record, *KEYS) or value == BLANK:
                    continue
                if name.removesuffix("_complete") in forms:
                    assert value in FORM_STATES, name
                    continue
                self._take(name, value)
        return rows

    def _take(self, name: str, value: str) -> None:
        """Refuse a value that a field does not allow, and fields that nothing can be imported into."""
        field = self.fields[name]
        assert self.kind(name) not in ("calc", "descriptive", "checkbox"), name
        if self.kind(name) in ("radio", "yesno"):
            assert value in self.choices(name), name
        elif field[self.columns[7]] in NUMBERS:
            assert re.fullmatch(r"-?\d+(\.\d+)?", value), name
            assert float(field[self.columns[8]]) <= float(value) <= float(field[self.columns[9]])
