"""A crowd: clients of which each asks, waits for the answer and asks again, in processes of their own."""

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import zmq

from bench.keeper import one_step
from protocol.codec import Envelope, encode

AT_MOST = 12_000
"""Jobs a second that one process of clients is ready for."""
PATIENCE_SECONDS = 120.0

Enqueue = Callable[[int], object]
"""Puts one job, named by a number, durably into a queue."""


def rate(processes: int, work: Callable[..., int], *given: Any, seconds: float) -> float:
    """Jobs a second that processes do together, each by `work(number, *given, ready, seconds)`."""
    context = multiprocessing.get_context("spawn")
    # The clock starts when all have imported and made everything that they need.
    ready = context.Barrier(processes)
    done = context.Queue()
    crowd = [
        context.Process(target=_run, args=(done, work, number, *given, ready, seconds))
        for number in range(processes)
    ]
    for process in crowd:
        process.start()
    try:
        return _sum(done, processes, PATIENCE_SECONDS + seconds) / seconds
    finally:
        for process in crowd:
            process.kill()
            process.join()


def until_done(processes: int, work: Callable[..., int], *given: Any) -> float:
    """Jobs a second that processes do together until all have ended, by `work(number, *given, ready)`."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    done = context.Queue()
    crowd = [
        context.Process(target=_run, args=(done, work, number, *given, ready)) for number in range(processes)
    ]
    for process in crowd:
        process.start()
    try:
        ready.wait(PATIENCE_SECONDS)
        began = time.perf_counter()
        jobs = _sum(done, processes, PATIENCE_SECONDS)
        return jobs / (time.perf_counter() - began)
    finally:
        for process in crowd:
            process.kill()
            process.join()


def _sum(done: Any, processes: int, patience: float) -> int:
    found = [done.get(timeout=patience) for _ in range(processes)]
    if None in found:
        raise RuntimeError("A process of the crowd died; its traceback is above.")
    return sum(found)


def _run(done: Any, work: Callable[..., int], *given: Any) -> None:
    try:
        done.put(work(*given))
    except BaseException:
        done.put(None)
        raise


def clients(number: int, address: str, sockets: int, ready: Any, seconds: float) -> int:
    """So many DEALERs, each with one plan of one job under way; how many were answered in time."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    poller = zmq.Poller()
    for _ in range(sockets):
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(address)
        poller.register(socket, zmq.POLLIN)
    # What a client does for itself is not what is measured: its messages are made before.
    first, enough = number * 1_000_000, int(seconds * AT_MOST) + sockets
    made = [encode(Envelope(id=f"{first + i}", body=one_step(first + i))) for i in range(enough)]
    ready.wait(PATIENCE_SECONDS)
    until = time.perf_counter() + seconds
    supply = iter(made)
    for socket, _ in list(poller.sockets):
        socket.send_multipart(next(supply))
    done = 0
    while time.perf_counter() < until:
        for socket, _ in poller.poll(100):
            answer = socket.recv_multipart()
            if b"accepted" not in answer[1]:
                raise RuntimeError(repr(answer[1][:300]))
            done += 1
            if (frames := next(supply, None)) is None:
                raise RuntimeError("Not enough messages were made; measure for a shorter time.")
            socket.send_multipart(frames)
    context.destroy(linger=0)
    return done


def alone(number: int, make: Callable[[], Enqueue], ready: Any, seconds: float) -> int:
    """One client of any queue that puts one job after the other in; how many in time."""
    enqueue = make()
    enqueue(number * 1_000_000)
    ready.wait(PATIENCE_SECONDS)
    until = time.perf_counter() + seconds
    done = 0
    while time.perf_counter() < until:
        done += 1
        enqueue(number * 1_000_000 + done)
    return done
