"""What is asked for: which files are to be scored by which rules, and what of it goes to another machine."""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from api.batch.mapping import NO_MAPPING, ColumnMapping, read_mapping
from api.batch.scoring import Rules
from api.cluster.places import Found
from api.settings import read_settings
from rules.definitions import Model
from rules.loading import load_model


class DatasetOrder(NamedTuple):
    """Files to be scored as one, and where what comes of them goes; text only, so that it can travel."""

    source: str
    """The folder or prefix that the partitions lie below."""
    target: str
    rejects: str
    mapping: str = ""
    """A mapping, as TOML."""
    source_format: str | None = None
    target_format: str | None = None
    sheet: str | None = None
    decimal_comma: bool = False
    largest: int | None = None


class Partition(NamedTuple):
    """One file of a dataset."""

    found: Found
    kind: str
    scores: str
    """What its scored rows are called below the target; its rejects are called alike."""
    rows: int | None = None
    """How many rows it has, where the file tells that beforehand."""


class Task(NamedTuple):
    """A partition to be scored: paths, sizes and rules, and nothing that anybody answered."""

    order: DatasetOrder
    partition: Partition
    stamp: "Stamp"


class Stamp(NamedTuple):
    """What must be the same wherever a dataset is scored, for the same bytes to come of it."""

    model: str
    digest: str
    project: str
    polars: str


def stamp_rules(model: Model) -> Stamp:
    """The stamp of the rules and of what works them out, in this process."""
    return Stamp(model.version, model.digest, version("psoas-risk"), version("polars"))


@cache
def load_rules(folder: Path) -> Rules:
    """The rules of this machine, made ready once a process."""
    return Rules.of(load_model(folder))


def own_rules() -> Rules:
    """The rules that this process has by its own settings."""
    return load_rules(read_settings().model_dir)


@cache
def own_mapping(text: str) -> ColumnMapping:
    """A mapping, read once a process."""
    return read_mapping(text, own_rules().model) if text else NO_MAPPING


def sign(order: DatasetOrder, stamp: Stamp) -> str:
    """A short text that differs wherever an order for the same files would bring other bytes."""
    told = [stamp, order._replace(target="", rejects="")]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
