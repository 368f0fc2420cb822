"""Several processes of several clients each, which contend for the names of one round after the other.

A round's names are new, so a round is a history from the first version on. What is known of it when all clients are
done is judged by the caller while the next round is under way.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from typing import NamedTuple, Self

from harness.clients import boto3_client
from harness.hostile import Signer
from harness.native import NativeCaller
from harness.server import Server
from harness.workers import Workers
from model.histories.contender import Contender, Knowledge, Mix
from model.histories.lanes import Lanes, Target
from model.histories.records import Record

PROCESSES = 3
CLIENTS = 4  # In each process.
ANSWER_TIMEOUT_S = 150.0
BUCKET = "histories"


class Round(NamedTuple):
    """What the clients are to do: so many requests each, of these names, which all begin with the prefix."""

    number: int
    names: tuple[str, ...]
    prefix: str
    requests: int
    mix: Mix


class ClientFailed(AssertionError):
    """A client process gave up. The message is its own."""


class Arena:
    """The client processes of one server, which has to be started with `workers` workers."""

    def __init__(self, server: Server, *, workers: int, seed: int) -> None:
        caller = NativeCaller(server)
        boto3_client(server).create_bucket(Bucket=BUCKET)
        found = caller.call("b2_list_buckets", accountId=server.account_id, bucketName=BUCKET)["buckets"]
        self.target = Target(
            api_url=server.api_url,
            host=server.api_url.partition("//")[2],
            supervisor_pid=server.pid,
            workers=workers,
            signer=Signer(server.key_id, server.application_key, server.region),
            token=caller.token,
            bucket=BUCKET,
            bucket_id=found[0]["bucketId"],
        )
        self._seed = seed
        self._processes: list[multiprocessing.process.BaseProcess] = []
        self._pipes: list[Pipe] = []

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")  # A fork would copy this process's threads and sockets.
        for number in range(PROCESSES):
            ours, theirs = context.Pipe()
            process = context.Process(target=_run_clients, args=(theirs, self.target, number, self._seed), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in self._pipes:
            with suppress(OSError):
                pipe.send(None)
            pipe.close()
        for process in self._processes:
            process.join(10)
            if process.is_alive():
                process.kill()
                process.join()

    def begin(self, one: Round) -> None:
        """Let all clients begin the round."""
        for pipe in self._pipes:
            pipe.send(one)

    def end(self, one: Round) -> list[Record]:
        """What came of the round that was begun: of all clients, and of a last look when they were done."""
        records = [record for pipe in self._pipes for record in _received(pipe)]
        self._pipes[0].send((one.names, one.prefix))
        return records + _received(self._pipes[0])


def _received(pipe: Pipe) -> list[Record]:
    if not pipe.poll(ANSWER_TIMEOUT_S):
        raise ClientFailed(f"A client process has not answered for {ANSWER_TIMEOUT_S} s.")
    try:
        answer = pipe.recv()
    except EOFError:
        raise ClientFailed("A client process is gone.") from None
    if isinstance(answer, str):
        raise ClientFailed(answer)
    return answer


def _run_clients(pipe: Pipe, target: Target, number: int, seed: int) -> None:
    """The life of a client process: rounds and last looks as they are asked for, until None is."""
    asyncio.run(_serve(pipe, target, number, seed))


async def _serve(pipe: Pipe, target: Target, number: int, seed: int) -> None:
    workers = Workers(target.supervisor_pid)
    lanes = [Lanes(target, workers) for _ in range(CLIENTS)]
    clients = [
        Contender(f"{number}.{client}", target, lanes[client], random.Random(f"{seed} {number} {client}"))
        for client in range(CLIENTS)
    ]
    while True:
        try:
            order = await asyncio.to_thread(pipe.recv)
        except EOFError:
            order = None
        if order is None:
            break
        try:
            pipe.send(await _obey(order, clients))
        except (AssertionError, OSError, KeyError, ValueError) as error:
            pipe.send(f"{type(error).__name__}: {error}")
    for one in lanes:
        await one.close()


async def _obey(order: Round | tuple[tuple[str, ...], str], clients: Sequence[Contender]) -> list[Record]:
    if not isinstance(order, Round):
        return await clients[0].survey(*order)
    known = Knowledge(order.names)
    played = await asyncio.gather(*(client.play(known, order.prefix, order.requests, order.mix) for client in clients))
    return [record for records in played for record in records]
