"""One of several processes that spend from the same budgets until they are killed: `python -m tests.gateway.ledger_worker`.

It keeps two logs that only grow: what the provider would have billed, written before the call is settled, and what the
ledger has acknowledged, written after.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from contextlib import suppress
from dataclasses import replace

from groundwork.core.clock import SystemClock
from groundwork.core.errors import BudgetExceededError, BusyError, GroundworkError
from groundwork.core.ids import new_id
from groundwork.gateway.ledger import DatabaseLedger
from groundwork.gateway.records import AttemptStart, BudgetLimit
from groundwork.storage.database import Database
from tests.gateway.ledgers import HTTP, asking, ending


async def client(
    ledger: DatabaseLedger, key: str, bill: int, acks: int, workspace: int, draw: random.Random
) -> None:
    """Call again and again; every cost is within what was held."""
    caller = replace(HTTP, key=key)
    limits = (BudgetLimit("workspace", "month", workspace),)
    while True:
        held = draw.randint(1, 1000)
        admission = asking(caller, reserve=held, tokens=10, limits=limits)
        try:
            await ledger.admit(admission)
        except (BudgetExceededError, BusyError):
            await asyncio.sleep(draw.random() * 0.05)
            continue
        if draw.random() < 0.2:
            start = AttemptStart(new_id("att"), 2, "retry", "openai", "gpt-5")
            with suppress(BudgetExceededError, BusyError):
                await ledger.attempt(admission.call_id, start, more_nanousd=held)
                held *= 2
        cost = draw.randint(0, held)
        os.write(bill, f"{admission.call_id} {cost}\n".encode())
        await asyncio.sleep(draw.random() * 0.02)
        try:
            await ledger.settle(ending(admission, cost=cost))
        except GroundworkError:
            continue
        os.write(acks, f"{admission.call_id} {cost}\n".encode())


async def main(url: str, bill: str, acks: str, key: str, clients: int, workspace: int, seed: int) -> None:
    """Run all clients until the process is killed."""
    database = Database(url)
    ledger = DatabaseLedger(database, SystemClock(), "normal")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    logs = os.open(bill, flags), os.open(acks, flags)
    draw = random.Random(seed)
    print("ready", flush=True)
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client(ledger, key, *logs, workspace, draw))


if __name__ == "__main__":
    where, billed, acked, secret, many, most, start = sys.argv[1:]
    asyncio.run(main(where, billed, acked, secret, int(many), int(most), int(start)))
