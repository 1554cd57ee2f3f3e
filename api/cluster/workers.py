"""Worker processes of a Dask scheduler, on this machine or on many; the one module that knows Dask."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from typing import Any
from uuid import uuid4

from api.batch.chunks import FileRefused
from api.batch.running import Progress
from api.cluster.datasets import OtherRules
from api.cluster.orders import Stamp, Task, own_rules, stamp_rules
from api.cluster.tasks import Outcome, score_partition

TRIES = 4
"""How often a partition is tried where the reason may pass, such as a store that is away."""
CONNECT_SECONDS, WORKERS_SECONDS = 10, 30
ENGINE_THREADS = {"POLARS_MAX_THREADS": "1"}
"""A process a core does more than threads that share cores, so each process gets one thread."""
MISSING = (
    "To score on several processes or machines more is needed than is installed: run make cluster, "
    "or install psoas-risk[cluster]. Without --scheduler and --processes the same files are scored "
    "by this process alone."
)

GONE = "The scheduler has gone. What is done is kept; the same command goes on from there."


class Workers:
    """The workers of a scheduler."""

    def __init__(self, client: Any, stamp: Stamp) -> None:
        """Look at every worker that is there.

        Raises:
            FileRefused: where there is none, or one that may not take part.
        """
        self._client = client
        try:
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError:
            raise FileRefused(
                "The scheduler has no workers. Start some: dask worker ADDRESS --nthreads 1"
            ) from None
        told: dict[str, Any] = client.run(tell_stamp, on_error="return")
        for worker, one in told.items():
            if isinstance(one, Exception):
                raise FileRefused(
                    f"The worker {worker} cannot load the rules ({type(one).__name__}); install the "
                    "same version of this project there."
                )
            if Stamp(*one) != stamp:
                raise OtherRules(stamp, Stamp(*one))

    def run(
        self,
        tasks: Sequence[Task],
        go_on: Callable[[Progress], None],  # noqa: ARG002  # workers tell of what is done only
    ) -> Iterator[Outcome]:
        """What becomes of each task, as it is done; what a lost worker had is done by another."""
        run, tried = uuid4().hex[:8], dict.fromkeys(range(len(tasks)), 1)
        futures = {self._submit(run, number, task): number for number, task in enumerate(tasks)}
        try:
            done = _load_dask().as_completed(list(futures), loop=self._client.loop)
            for future in done:
                number = futures.pop(future)
                outcome = take_outcome(future, tasks[number])
                if outcome.may_pass and tried[number] < TRIES:
                    again = self._submit(f"{run}-{tried[number]}", number, tasks[number])
                    tried[number] += 1
                    futures[again] = number
                    done.add(again)
                    continue
                yield outcome
        except OSError:  # by which Dask tells that a connection has ended
            raise FileRefused(GONE) from None
        finally:
            if futures:
                with suppress(OSError):
                    self._client.cancel(list(futures), force=True)

    def _submit(self, run: str, number: int, task: Task) -> Any:
        key = f"psoas-{run}-{number:06d}"
        return self._client.submit(score_partition, task, key=key, pure=False)


def _load_dask() -> Any:
    """Dask, if it is installed; who scores on one machine does without."""
    try:
        return import_module("distributed")
    except ImportError:
        raise FileRefused(MISSING) from None


async def _reach(address: str) -> None:
    """See that a scheduler answers, before a client is made, which would go on trying in the background."""
    dask = _load_dask()
    try:
        given = dask.Security().get_connection_args("client")
        comm = await dask.comm.connect(address, timeout=CONNECT_SECONDS, **given)
        await comm.close()
    except (OSError, ValueError, TypeError, RuntimeError):
        raise FileRefused(
            f"{address}: no scheduler answers there, or it wants certificates that this machine does "
            "not show. It is called like tcp://10.0.0.5:8786, or tls:// where it has certificates."
        ) from None


def tell_stamp() -> Stamp:
    """The stamp of the rules of this worker."""
    return stamp_rules(own_rules().model)


def take_outcome(future: Any, task: Task) -> Outcome:
    """What a future came to, where Dask itself gave up, too."""
    name = task.partition.found.name
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    if future.status in {"cancelled", "lost"}:
        raise FileRefused(GONE)
    failure = type(future.exception()).__name__
    if failure == "KilledWorker":
        fault = "Every worker that took it up ended meanwhile; they may need more memory."
    else:
        fault = f"The worker could not begin it ({failure})."
    return Outcome(name, fault=fault)


@contextmanager
def open_workers(scheduler: str | None, processes: int, stamp: Stamp) -> Iterator[Workers]:
    """The workers of a scheduler, or so many processes of this machine's own.

    Raises:
        FileRefused: where there are none.
    """
    dask = _load_dask()
    for talker in ("distributed", "distributed.client"):  # each has a level of its own
        logging.getLogger(talker).setLevel(logging.CRITICAL + 1)
    with ExitStack() as stack:
        address: Any = scheduler
        if address is None:
            address = stack.enter_context(
                dask.LocalCluster(
                    n_workers=processes,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    scheduler_kwargs={"dashboard": False},
                    worker_dashboard_address=None,
                    memory_limit=None,
                    env=ENGINE_THREADS,
                    silence_logs=logging.CRITICAL,
                )
            )
        else:
            asyncio.run(_reach(address))
        client = stack.enter_context(
            dask.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        )
        yield Workers(client, stamp)
