"""A spool in a store that processes on several machines share, each with a scratch folder for what it has at hand.

The store is the truth. What belongs to a batch is called `{id}/input.csv` there, and once that is whole there is
`{id}/received`, too. What a run puts there is called after its number, `{id}/{take}/…`: a run that has lost the batch
to another without noticing cannot spoil anything of the other's. Of a batch that is done, the results are those of the
run whose number its row has.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from api.batch.formats import Format
from api.batch.ledger import Stopped
from api.batch.place import PARTS, SUMMARY, Look, Place, Result, name_result
from api.batch.scratch import Scratch
from api.batch.segments import Segment, name_files
from api.batch.spool import Spool, erase_folder
from api.batch.store import SpoolUnavailable, Store, StoredFile
from api.storage.failures import StorageUnavailable
from api.storage.tables import StoredBatch

RECEIVED = "received"
"""What tells that the file of a batch is whole, and is the first to go when it is erased."""
LOOKS = 5.0
"""Seconds after which it is looked again whether a batch has not been erased meanwhile."""
ERASES = 3
"""How often what lies in a batch's folder is listed and erased, as long as something comes after."""
Sign = tuple[int, datetime]
"""How many files a batch has, and the moment of the last one: it changes when one is put or erased."""


class SharedSpool(Spool):
    """A spool in a store; its folder is this process's scratch, where only what is under way lies."""

    def __init__(self, store: Store, scratch: Scratch, largest: int | None = None) -> None:
        super().__init__(scratch.folder, largest)
        self._store, self._scratch = store, scratch
        self._seen: dict[UUID, tuple[Sign, float]] = {}
        """What lay of each batch in the store at the last look, and since when it has."""

    @contextmanager
    def receiving(self, id: UUID, kind: Format) -> Iterator[BinaryIO]:
        """A stream to the file of a new batch in the scratch folder, from where it is kept later."""
        self._scratch.open()
        with super().receiving(id, kind) as stream:
            yield stream

    def keep_input(self, batch: StoredBatch) -> None:
        """Put the file that was sent into the store; from then on it is kept for good.

        Raises:
            SpoolUnavailable: when it is not known to be kept; what is there then goes later.
        """
        place = Place(self.of(batch.id), batch, self._largest)
        try:
            self._store.put(f"{batch.id}/{place.source.name}", place.source, batch.sha256)
            self._store.put_note(f"{batch.id}/{RECEIVED}", batch.sha256.encode())
        finally:
            self.let_go(batch.id)

    @contextmanager
    def working(self, batch: StoredBatch) -> Iterator[Place]:
        """A place in the scratch folder to work on a batch."""
        with self._scratch.lend() as folder:
            yield SharedPlace(folder, batch, self._largest, self, self._store)

    def find_result(
        self, batch: StoredBatch, what: Result, kind: Format
    ) -> Path | StoredFile | None:
        """A result as a kind of file; none where it is not there."""
        return self._store.find(f"{batch.id}/{batch.takes}/{name_result(what, kind)}")

    def read_summary(self, batch: StoredBatch) -> bytes:
        """The summary, as JSON."""
        return self._store.read(f"{batch.id}/{batch.takes}/{SUMMARY}")

    def is_there(self, id: UUID) -> bool:
        """Whether a batch was received, and has not been erased."""
        return self._store.find(f"{id}/{RECEIVED}") is not None

    def ping(self) -> None:
        """See that the store answers."""
        self._store.ping()

    def clear(self, id: UUID) -> None:
        """Erase what is kept of all runs of a batch."""
        self.erase_below(id, lambda key: f"/{PARTS}" in key)

    def erase_below(self, id: UUID, is_meant: Callable[[str], bool] = bool) -> int:
        """Erase those files of a batch that are meant; gives how many there were."""
        keys = [one.key for one in self._store.walk(str(id)) if is_meant(one.key)]
        self._store.erase(keys)
        return len(keys)

    def list_kept(self) -> Sequence[UUID]:
        """The batches of which something of a run is kept."""
        self._scratch.open()  # a process begins with this
        return list({one for one, key, _ in self._walk() if f"/{PARTS}" in key})

    def let_go(self, id: UUID) -> None:
        """Erase what was received of a file that no batch came of, or that lies in the store by now."""
        erase_folder(self.of(id))

    def erase(self, id: UUID) -> None:
        """Erase everything of a batch.

        Whoever puts something there looks afterwards whether the batch is still there. It is told
        that it is not before anything is listed here, so one of the two finds what was put there.
        """
        self.let_go(id)
        self._store.erase([f"{id}/{RECEIVED}"])
        for _ in range(ERASES):
            if not self.erase_below(id):
                break

    def list_left(self, seconds: float) -> Sequence[UUID]:
        """The batches into whose folders nothing was put for so long, as this process saw it.

        No moment of the store is compared with ours: clocks may be apart, and the moment of a file
        that took hours on its way up is when that began.
        """
        self._scratch.tidy()
        for one in super().list_left(seconds):
            self.let_go(one)
        signs: dict[UUID, Sign] = {}
        for one, _, changed in self._walk():
            count, last = signs.get(one, (0, changed))
            signs[one] = (count + 1, max(changed, last))
        now, before = time.monotonic(), self._seen
        self._seen = {one: (sign, now) for one, sign in signs.items()}
        self._seen |= {one: seen for one, seen in before.items() if signs.get(one) == seen[0]}
        return [one for one, (_, since) in self._seen.items() if now - since > seconds]

    def close(self) -> None:
        """Erase the scratch folder."""
        self._scratch.close()

    def _walk(self) -> Iterator[tuple[UUID, str, datetime]]:
        """All files of batches in the store."""
        for one in self._store.walk():
            with suppress(ValueError):
                yield UUID(one.key.partition("/")[0]), one.key, one.changed


class SharedPlace(Place):
    """Where one run works on a batch whose files lie in a store: a folder of its own, empty at first."""

    def __init__(
        self,
        folder: Path,
        batch: StoredBatch,
        largest: int | None,
        spool: SharedSpool,
        store: Store,
    ) -> None:
        super().__init__(folder, batch, largest)
        self._spool, self._store = spool, store
        self._looked, self._is_wanted = -LOOKS, True
        self._listed = set[str]()

    def prepare(self) -> None:
        """Bring what is to be scored."""
        if self.source.exists():
            return
        self._listed = {one.key for one in self._store.walk(str(self.batch.id))}
        try:
            self._store.fetch(f"{self.batch.id}/{self.source.name}", self.source)
        except FileNotFoundError:
            # Not the file's fault: the batch was erased, or another store than the sender's is asked.
            raise SpoolUnavailable("the file of a batch is not in the store of files") from None

    def has_segment(self, segment: Segment) -> bool:
        """Whether all files of a segment are here or in the store."""
        return all(
            path.exists() or self._name(path, segment.take) in self._listed
            for path in self._name_files(segment)
        )

    def keep_segment(self, segment: Segment) -> None:
        """Put the files of a segment into the store."""
        for path in self._name_files(segment):
            self._put(path)

    def bring_segment(self, segment: Segment) -> bool:
        """Bring those files of a segment that are not here; false where one is gone."""
        for path in self._name_files(segment):
            if not path.exists():
                try:
                    self._store.fetch(self._name(path, segment.take), path)
                except FileNotFoundError:
                    return False
        return True

    def put_away(self, segment: Segment) -> None:
        """Erase what can be brought again."""
        for path in self._name_files(segment):
            path.unlink(missing_ok=True)

    def keep_results(self, target: Format) -> None:
        """Put the results of a kind into the store, and the summary."""
        first, last = name_result("rejects", target), name_result("scores", target)
        for name in (first, *self.resources, SUMMARY, last):
            if (path := self.folder / name).exists():
                self._put(path)
        if not self._spool.is_there(self.batch.id):
            self._spool.erase(self.batch.id)

    def is_wanted(self) -> bool:
        """Whether the batch has not been erased, as far as was known a moment ago."""
        if self._is_wanted and time.monotonic() - self._looked > LOOKS:
            self._looked = time.monotonic()
            self._is_wanted = self._spool.is_there(self.batch.id)
        return self._is_wanted

    def settle(self, look: Look) -> None:
        """Erase what this run, or others, put into the store and nobody wants; what fails goes later."""
        erase_folder(self.folder)
        with suppress(StorageUnavailable, Stopped):
            found = look()
            if found is None:
                self._spool.erase(self.batch.id)
            elif found.takes != self.batch.takes:
                # Parts stay, for the other may go on from them.
                self._erase_results(lambda take: take == self.batch.takes)
            elif found.state == "done":
                self._erase_results(lambda take: take != self.batch.takes)

    def _erase_results(self, is_meant: Callable[[int], bool]) -> None:
        """Erase the results that runs of some numbers put into the store."""
        self._spool.erase_below(self.batch.id, lambda key: is_meant_result(key, is_meant))

    def _name_files(self, segment: Segment) -> Sequence[Path]:
        return name_files(self.parts, segment.number, self.kind)

    def _name(self, path: Path, take: int) -> str:
        """What a file of a run is called in the store."""
        return f"{self.batch.id}/{take}/{path.relative_to(self.folder)}"

    def _put(self, path: Path) -> None:
        key = self._name(path, self.batch.takes)
        self._store.put(key, path)
        self._listed.add(key)


def is_meant_result(key: str, is_meant: Callable[[int], bool]) -> bool:
    """Whether a file in the store is a result of a run whose number is meant."""
    _, take, *rest = key.split("/")
    return len(rest) == 1 and take.isdecimal() and is_meant(int(take))
