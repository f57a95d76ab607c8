"""Async inside, plain functions outside: also in Jupyter, where a loop runs already."""

import asyncio
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
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)

    def turn() -> None:
        try:
            done.append(loop.run_until_complete(task))
        except BaseException as error:  # noqa: BLE001  # raised again where it was asked for
            failed.append(error)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    thread = threading.Thread(target=turn, name="mtasts-checks", daemon=True)
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        # The notebook's stop button: end the checks, too, before it is passed on.
        loop.call_soon_threadsafe(task.cancel)
        thread.join(5)
        raise
    if failed:
        raise failed[0]
    return done[0]
