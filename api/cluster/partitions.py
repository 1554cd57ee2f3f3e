"""The partitions of a dataset: found by a folder or a pattern, and looked at before anything is scored."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from api.batch.chunks import FileRefused, Source
from api.batch.compression import COMPRESSIONS, unpack_beginning
from api.batch.formats import FORMATS, Opened, find_format, open_file
from api.batch.layout import Columns, Layout
from api.batch.looking import MOST_UNPACKED, open_beginning
from api.batch.mapping import asked_in_batches
from api.cluster.orders import DatasetOrder, Partition, own_mapping
from api.cluster.places import Found, Place, PlaceFailed, open_place
from rules.definitions import Model

SIGNS = "*?["
"""What makes a pattern of a path."""
HIDDEN = (".", "_")
"""How names begin that are no partitions: what is half written, and what other programs note of a dataset."""
AT_A_TIME = 16
"""Partitions that are looked at at a time: each look is a wait for a disk or a store."""
BEGINNINGS = (1 << 20, 16 << 20)
"""Bytes of a text in which its columns' names are looked for, and in which again if that was not enough."""
FOOTER = 64 * 1024
"""Bytes at the end of a Parquet file that mostly hold what it says of itself."""
LENGTH, MAGIC = 8, b"PAR1"
TOLD = 50
"""Faults that are told by partition; of the rest only the number is."""


class Dataset(NamedTuple):
    """The files that were found."""

    place: Place
    partitions: Sequence[Partition]
    left_out: Sequence[str]
    """Files of a folder that are of no known kind."""


class Look(NamedTuple):
    """What a look at a partition told."""

    partition: Partition
    columns: Columns
    answered: frozenset[str]


def find_dataset(source: str, source_format: str | None, target_format: str | None) -> Dataset:
    """The partitions that a folder, a pattern or a single file stands for, by name.

    Raises:
        FileRefused: where there are none, or where they cannot be told apart.
    """
    base, pattern = split_pattern(source)
    place = open_place(base)
    try:
        found = sorted(_list(place, pattern))
        if not found and not pattern and "://" in source:
            base, _, pattern = base.rpartition("/")
            place = open_place(base)
            found = [one for one in [place.find(pattern)] if one]
    except (PlaceFailed, OSError) as failure:
        raise FileRefused(f"{source}: {tell_failure(failure)}.") from None
    partitions, unknown = [], []
    for one in found:
        try:
            kind, _ = find_format(Path(one.name), source_format)
        except FileRefused:
            unknown.append(one.name)
            continue
        scores = name_scores(one.name, kind.name, target_format)
        partitions.append(Partition(one, kind.name, scores))
    if not partitions or (pattern and unknown):
        known = ", ".join(suffix for one in FORMATS.values() for suffix in one.suffixes)
        told = f"what kind {unknown[0]} is cannot be told" if unknown else "there are no files"
        raise FileRefused(f"{source}: {told}. Names of partitions end with {known}.")
    times = Counter(one.scores for one in partitions)
    alike = [one.found.name for one in partitions if times[one.scores] > 1]
    if alike:
        raise FileRefused(
            f"The results of {', '.join(alike[:TOLD])} would have the same name; score them one by one."
        )
    return Dataset(place, partitions, unknown)


def split_pattern(source: str) -> tuple[str, str]:
    """A path or URL parted into what stands fast and the pattern behind it, which may be none."""
    if "://" not in source:
        path = Path(source)
        if path.is_dir():
            return source, ""
        if not is_pattern(source):
            return str(path.parent), escape(path.name)
    parts = source.split("/")
    at = next((n for n, part in enumerate(parts) if any(s in part for s in SIGNS)), len(parts))
    return "/".join(parts[:at]) or ("/" if source.startswith("/") else "."), "/".join(parts[at:])


def is_pattern(source: str) -> bool:
    """Whether a path stands for the files that fit it, and is none itself."""
    return any(sign in source for sign in SIGNS) and not Path(source).exists()


def _list(place: Place, pattern: str) -> Iterator[Found]:
    parts = pattern.split("/")
    depth = None if not pattern or "**" in parts else len(parts) - 1
    for found in place.list_files(depth):
        names = found.name.split("/")
        if not any(name.startswith(HIDDEN) for name in names) and (
            not pattern or matches(names, parts)
        ):
            yield found


def matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path fit those of a pattern, in which `**` stands for any number of folders."""
    if not pattern:
        return not names
    if pattern[0] == "**":
        return any(matches(names[at:], pattern[1:]) for at in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], pattern[0]) and matches(names[1:], pattern[1:])


def name_scores(name: str, kind: str, target_format: str | None) -> str:
    """What a partition's results are called: as it is itself, with the ending of their own kind."""
    path = PurePosixPath(name)
    wanted = FORMATS[target_format or kind]
    bare = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    if target_format is None and bare.suffix.lower() in wanted.suffixes:
        return name
    known = {suffix for one in FORMATS.values() for suffix in one.suffixes}
    stem = bare.with_suffix("") if bare.suffix.lower() in known else bare
    return f"{stem}{wanted.suffixes[0]}"


def look_at_all(dataset: Dataset, order: DatasetOrder, model: Model) -> Sequence[Look]:
    """What every partition is taken for; cheap, for only its columns are read.

    Raises:
        FileRefused: naming every partition that cannot be scored, or not together with the others.
    """
    faults: dict[str, str] = {}

    def look(partition: Partition) -> Look | None:
        try:
            return look_at(dataset.place, partition, order, model)
        except FileRefused as refused:
            faults[partition.found.name] = str(refused)
        except (PlaceFailed, OSError) as failure:
            faults[partition.found.name] = f"It cannot be read: {tell_failure(failure)}."
        return None

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        looks = [one for one in pool.map(look, dataset.partitions) if one]
    faults |= dict(_find_other_columns(looks))
    if faults:
        raise FileRefused(
            f"Nothing was scored, because of {len(faults):,} of {len(dataset.partitions):,} "
            f"partitions:\n{tell_faults(faults)}"
        )
    return looks


def tell_faults(faults: dict[str, str]) -> str:
    """What is wrong with partitions, a line each."""
    lines = [f"  {name}: {faults[name]}" for name in sorted(faults)]
    more = [f"  and {len(lines) - TOLD:,} more"] if len(lines) > TOLD else []
    return "\n".join([*lines[:TOLD], *more])


def tell_failure(failure: Exception) -> str:
    """What went wrong with a place, without what the file holds."""
    if isinstance(failure, OSError):
        return failure.strerror or "the disk does not answer as it should"
    return str(failure)


def _find_other_columns(looks: Sequence[Look]) -> Iterator[tuple[str, str]]:
    """Partitions that answer other questions than most do; JSON lines may leave any out in any row."""
    fixed = [look for look in looks if look.partition.kind != "ndjson"]
    if not fixed:
        return
    usual = Counter(look.answered for look in fixed).most_common(1)[0][0]
    for look in fixed:
        told = []
        if missing := sorted(usual - look.answered):
            told.append(f"It does not answer {', '.join(missing)}, as the others do.")
        if more := sorted(look.answered - usual):
            told.append(f"It answers {', '.join(more)}, which the others do not.")
        if told:
            yield look.partition.found.name, " ".join(told)


def look_at(place: Place, partition: Partition, order: DatasetOrder, model: Model) -> Look:
    """What the columns of one partition are taken for.

    Raises:
        FileRefused: where it cannot be read, or answers nothing.
    """
    asked, mapping = asked_in_batches(model), own_mapping(order.mapping)
    with tempfile.TemporaryDirectory(prefix="psoas-") as scratch:
        source = _open_columns(place, partition, order, Path(scratch))
        layout = Layout(source.header, asked, mapping)
        partition = partition._replace(rows=source.rows)
    return Look(partition, layout.columns, frozenset(layout.answered))


def _open_columns(place: Place, partition: Partition, order: DatasetOrder, scratch: Path) -> Source:
    """A partition, opened as far as its columns and the number of its rows need."""
    kind, found = FORMATS[partition.kind], partition.found
    if kind.is_text:
        return _open_text(place, partition)
    if kind.begins == MAGIC:
        path = _fetch_footer(place, found, scratch)
    else:
        path = place.take(found, scratch)
    with path.open("rb") as stream:
        return open_file(kind, Opened(path, stream, order.sheet, order.largest))


def _open_text(place: Place, partition: Partition) -> Source:
    found = partition.found
    for most in BEGINNINGS:
        is_all = found.size <= most or most == BEGINNINGS[-1]
        beginning = place.read(found.name, 0, min(most, found.size))
        try:
            text = unpack_beginning(beginning, MOST_UNPACKED)
            if is_all or b"\n" in text:  # else the names may go on
                return open_file(FORMATS[partition.kind], open_beginning(text))
        except FileRefused:
            if is_all:
                raise
    raise AssertionError


def _fetch_footer(place: Place, found: Found, scratch: Path) -> Path:
    """A Parquet file of which only the end is there: that tells columns and rows, and nothing else is asked."""
    end = place.read(found.name, max(0, found.size - FOOTER), found.size)
    length = int.from_bytes(end[-LENGTH : -len(MAGIC)], "little") + LENGTH
    if not end:
        raise FileRefused("The file is empty.")
    if end[-len(MAGIC) :] != MAGIC or length > found.size:
        raise FileRefused("The file does not end as parquet files do; it may not be whole.")
    if length > len(end):
        end = place.read(found.name, found.size - length, found.size)
    path = scratch / "end.parquet"
    with path.open("wb") as file:
        file.write(MAGIC)
        file.seek(found.size - len(end))
        file.write(end)
    return path
