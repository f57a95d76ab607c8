"""Async inside, plain functions outside: also in Jupyter, where a loop runs already."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run to its end, in a thread of its own where this one has a running loop.

    Examples
    --------
    >>> import asyncio
    >>> run(asyncio.sleep(0, "done"))
    'done'
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    done: list[_T] = []
    failed: list[BaseException] = []
    ended = threading.Event()
    inside: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def begun() -> _T:
        task = asyncio.create_task(work)
        inside.append((asyncio.get_running_loop(), task))
        return await task

    def turn() -> None:
        try:
            done.append(asyncio.run(begun()))
        except BaseException as error:  # noqa: BLE001  # raised again where it was asked for
            failed.append(error)
        finally:
            ended.set()

    threading.Thread(target=turn, name="mtasts-checks", daemon=True).start()
    try:
        ended.wait()  # not join(): interrupted once, it takes the thread for dead
    except KeyboardInterrupt:
        # The notebook's stop button: end the checks, too, before it is passed on.
        for loop, task in inside:
            with contextlib.suppress(RuntimeError):  # they have just ended
                loop.call_soon_threadsafe(task.cancel)
        ended.wait(5)
        raise
    if failed:
        raise failed[0]
    return done[0]
