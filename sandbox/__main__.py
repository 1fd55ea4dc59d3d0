"""Runs the sandbox until it is told to stop: `python -m sandbox`."""

import asyncio
import signal

from sandbox.options import Configuration
from sandbox.server import HOST, Sandbox


async def run() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    sandbox = Sandbox(Configuration.from_environment())
    await sandbox.start()
    try:
        print(f"HubSpot    {sandbox.hubspot_url}/", flush=True)
        print(f"LearnUpon  {sandbox.learnupon_url}/acme/", flush=True)
        print(f"SMTP       {HOST}:{sandbox.smtp_port}", flush=True)
        await stopped.wait()
    finally:
        await sandbox.stop()


if __name__ == "__main__":
    asyncio.run(run())
