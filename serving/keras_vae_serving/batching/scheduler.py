"""Which batch runs when, and on which thread.

All of it happens on the event loop's thread but the runs themselves, so
nothing here needs a lock.
"""

import asyncio
import collections
import contextlib
import functools
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_vae_serving.batching.batch import (
    Batch,
    Task,
    cut,
    joined,
)
from keras_vae_serving.batching.parameters import BatchingParameters
from keras_vae_serving.servable import Arrays, Outputs, Servable
from keras_vae_serving.status import Code, ServingError

# Told of each batch that runs: the servable, the signature, its rows, those
# that fill it up, and how long its first task waited, in seconds.
Observer = Callable[[Servable, str, int, int, float], None]
_Key = tuple[int, str]

_LOG = logging.getLogger(__name__)


class _Queue:
    """The batches of one signature that wait; the last may still grow."""

    def __init__(self, servable: Servable, signature: str) -> None:
        self.servable = servable
        self.signature = signature
        self.batchable = servable.signatures[signature].is_batchable
        self.batches: collections.deque[Batch] = collections.deque()
        # Ends the first batch's wait for more rows.
        self.timer: asyncio.Handle | None = None

    def stop_timer(self) -> None:
        """Ends the timer, for the first batch is about to leave."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Scheduler:
    """Gathers the rows of concurrent requests and runs them on threads.

    A batch runs when a thread is free and it is full, or its first task has
    waited for `batch_timeout_micros`. The queues of all signatures take
    turns. Each request's rows stay in order and are answered alone: a batch
    that fails is run again request by request.

    Args:
        parameters: The settings; `None` runs every request alone.
        observer: Told of each batch.
    """

    def __init__(
        self,
        parameters: BatchingParameters | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.is_batching = parameters is not None
        self.parameters = parameters or BatchingParameters()
        self._observer = observer
        self._free = self.parameters.num_batch_threads
        self._pool = ThreadPoolExecutor(self._free, "keras-vae-batch")
        self._queues: dict[_Key, _Queue] = {}
        self._is_closed = False

    async def run(
        self,
        servable: Servable,
        signature: str,
        inputs: Arrays,
        deadline: float | None = None,
    ) -> Outputs:
        """Runs a request, perhaps together with others.

        Args:
            servable: What computes it; it stays loaded meanwhile.
            signature: Which of its signatures.
            inputs: Every input by name, of the signature's dtypes and shapes.
            deadline: In seconds of the loop's clock.

        Returns:
            Every output by name.

        Raises:
            ServingError: UNAVAILABLE if too much is waiting,
                DEADLINE_EXCEEDED if it waits too long, INVALID_ARGUMENT if it
                has too many rows, or what the servable raises.
        """
        largest = self.parameters.max_batch_size
        rows = self._rows(servable, signature, inputs)
        if rows <= largest or not self.is_batching:
            return await self._submit(
                servable, signature, inputs, rows, deadline
            )
        if not self.parameters.enable_large_batch_splitting:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Task size {rows} is larger than maximum input batch size "
                f"{largest}",
            )
        return await self._run_in_parts(
            servable, signature, inputs, rows, deadline
        )

    def close(self, wait: bool = True) -> None:
        """Refuses what comes, and ends the threads when what runs has ended.

        Args:
            wait: Whether to block until then.
        """
        self._is_closed = True
        self._pool.shutdown(wait=wait, cancel_futures=True)

    def num_waiting(self) -> int:
        """Returns how many requests wait for a thread."""
        return sum(
            len(batch.tasks)
            for queue in self._queues.values()
            for batch in queue.batches
        )

    # --- Requests -------------------------------------------------------------

    def _rows(self, servable: Servable, signature: str, inputs: Arrays) -> int:
        if not servable.signatures[signature].is_batchable:
            return 1
        rows = {len(value) for value in inputs.values()}
        if len(rows) > 1:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                "Batching session Run() input tensors must have equal "
                f"0th-dimension size. Received: {sorted(rows)}",
            )
        return rows.pop()

    async def _run_in_parts(
        self,
        servable: Servable,
        signature: str,
        inputs: Arrays,
        rows: int,
        deadline: float | None,
    ) -> Outputs:
        """Runs one large batch after the other: others take turns."""
        size = self.parameters.max_batch_size
        parts = []
        for start in range(0, rows, size):
            part = {k: v[start : start + size] for k, v in inputs.items()}
            count = min(size, rows - start)
            parts.append(
                await self._submit(servable, signature, part, count, deadline)
            )
        return {
            name: np.concatenate([part[name] for part in parts])
            for name in parts[0]
        }

    async def _submit(
        self,
        servable: Servable,
        signature: str,
        inputs: Arrays,
        rows: int,
        deadline: float | None,
    ) -> Outputs:
        if self._is_closed:
            raise _stopping()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outputs] = loop.create_future()
        task = Task(inputs, rows, future, deadline, loop.time())
        key = (id(servable), signature)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue(servable, signature)
        batch = self._enqueue(queue, task)
        self._dispatch()
        try:
            async with asyncio.timeout_at(deadline):
                return await future
        except TimeoutError:
            raise ServingError(
                Code.DEADLINE_EXCEEDED,
                "The request's deadline passed before it was answered.",
            ) from None
        finally:
            self._forget(key, queue, batch, task)

    def _enqueue(self, queue: _Queue, task: Task) -> Batch:
        """Adds a task to the last batch, or opens a new one for it.

        Raises:
            ServingError: UNAVAILABLE if there may be no new one.
        """
        batches = queue.batches
        joins = self.is_batching and queue.batchable
        if joins and batches:
            last = batches[-1]
            if last.takes(task, self.parameters.max_batch_size):
                last.add(task)
                return last
        if len(batches) >= self.parameters.max_enqueued_batches:
            raise ServingError(
                Code.UNAVAILABLE,
                "The batch scheduling queue to which this task was submitted "
                f"is full; currently has {len(batches)} batches enqueued",
            )
        batch = Batch(task)
        batches.append(batch)
        return batch

    def _forget(
        self, key: _Key, queue: _Queue, batch: Batch, task: Task
    ) -> None:
        """Frees the place of a task that has ended, or was given up."""
        if batch in queue.batches:
            batch.remove(task)
            if not batch.tasks:
                if batch is queue.batches[0]:
                    queue.stop_timer()
                queue.batches.remove(batch)
        if not queue.batches and self._queues.get(key) is queue:
            del self._queues[key]

    # --- Batches --------------------------------------------------------------

    def _dispatch(self) -> None:
        """Starts what is due, as long as threads are free."""
        while self._free:
            due = (k for k, q in self._queues.items() if self._is_due(q))
            key = next(due, None)
            if key is None:
                return
            # The next turn is another queue's.
            queue = self._queues[key] = self._queues.pop(key)
            queue.stop_timer()
            self._start(queue, queue.batches.popleft())

    def _is_due(self, queue: _Queue) -> bool:
        if not queue.batches:
            return False
        batch = queue.batches[0]
        wait_s = self.parameters.batch_timeout_micros * 1e-6
        if not (self.is_batching and queue.batchable and wait_s):
            return True
        is_full = batch.rows >= self.parameters.max_batch_size
        if is_full or len(queue.batches) > 1 or batch.has_waited:
            return True
        loop = asyncio.get_running_loop()
        due = batch.created + wait_s
        if loop.time() >= due:
            return True
        if queue.timer is None:
            queue.timer = loop.call_at(due, self._end_wait, queue, batch)
        return False

    def _end_wait(self, queue: _Queue, batch: Batch) -> None:
        # Said, and not left to the clock: a timer may come a little early,
        # and on uvloop, which counts in milliseconds, by half of one.
        queue.timer = None
        batch.has_waited = True
        self._dispatch()

    def _start(self, queue: _Queue, batch: Batch) -> None:
        tasks = [task for task in batch.tasks if not task.future.done()]
        if not tasks:
            return
        loop = asyncio.get_running_loop()
        rows = sum(task.rows for task in tasks)
        size = rows
        if self.is_batching and queue.batchable:
            size = self.parameters.padded(rows)
        self._tell(queue, rows, size - rows, loop.time() - batch.created)
        run = functools.partial(_run, queue, tasks, size)
        try:
            running = loop.run_in_executor(self._pool, run)
        except RuntimeError as error:  # The threads have ended.
            _fail(tasks, error)
            return
        self._free -= 1
        running.add_done_callback(functools.partial(self._finish, tasks))

    def _tell(
        self, queue: _Queue, rows: int, padding: int, waited_s: float
    ) -> None:
        if self._observer is None:
            return
        try:
            self._observer(
                queue.servable, queue.signature, rows, padding, waited_s
            )
        except Exception:
            # Who only looks on must not keep requests from their answers.
            _LOG.exception("A batch could not be counted.")

    def _finish(
        self,
        tasks: list[Task],
        running: "asyncio.Future[list[Outputs | Exception]]",
    ) -> None:
        self._free += 1
        try:
            results = running.result()
        except (Exception, asyncio.CancelledError) as error:
            _fail(tasks, error)
        else:
            _answer(tasks, results)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._dispatch()


def _stopping() -> ServingError:
    return ServingError(Code.UNAVAILABLE, "The server is stopping.")


def _fail(tasks: list[Task], error: BaseException) -> None:
    failure = _stopping()
    failure.__cause__ = error
    _answer(tasks, [failure] * len(tasks))


def _answer(tasks: list[Task], results: Sequence[Outputs | Exception]) -> None:
    for task, result in zip(tasks, results, strict=True):
        if task.future.done():
            continue
        if isinstance(result, Exception):
            task.future.set_exception(result)
        else:
            task.future.set_result(result)


def _run(
    queue: _Queue, tasks: list[Task], size: int
) -> list[Outputs | Exception]:
    """Runs tasks on a thread; alone, each, if they fail together."""
    try:
        inputs = joined(tasks, size)
        outputs = queue.servable.run(queue.signature, inputs)
        if queue.batchable:
            return [*cut(outputs, tasks)]
        return [outputs]
    except Exception as error:
        if len(tasks) == 1:
            return [error]
    # Who sent what cannot be run must not take the others down.
    return [_run(queue, [task], task.rows)[0] for task in tasks]
