"""Clients that nobody wishes for, against the exporter's port: one attack after another."""

import asyncio
import itertools
import random
import socket
import struct
import time

# The first is where the honest Prometheus of the same run comes from, as if all sat behind one router.
HOMES = ["127.0.0.1", "127.10.0.1", "127.10.0.2", "127.10.0.3"]
GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
KILLERS = [
    b"GET / HTTP/1.1\r\nContent-Length: 30000000000\r\n\r\n",
    b"GET / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n",
    b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    b"GET / HTTP/1.1\r\nTE: " + b"x;q=nan,x;q=0.3," * 20 + b"\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
    b"GET /" + b"x" * 100_000,
    b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 10_000,
    GET * 10_000,
]


class Attack:
    def __init__(self, address, rng):
        self.address, self.random = address, rng

    async def connect(self, text=b""):
        """A connection that has said this, or None if even that was not to be had."""
        try:
            home = (self.random.choice(HOMES), 0)
            reader, writer = await asyncio.open_connection(*self.address, local_addr=home, limit=4096)
            writer.write(text)
            return reader, writer
        except OSError:
            return None

    async def crowd(self, count, text=b""):
        """So many connections, as fast as they come."""
        return [one for one in [await self.connect(text) for _ in range(count)] if one]

    async def idle(self, seconds):
        crowd = await self.crowd(500, self.random.choice([b"", b"G", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"]))
        await asyncio.sleep(seconds)
        return crowd

    async def drip(self, seconds):
        crowd, end = await self.crowd(100, GET[:20]), time.monotonic() + seconds
        while time.monotonic() < end:
            for _, writer in crowd:
                if not writer.is_closing():
                    writer.write(b"x")
            await asyncio.sleep(0.1)
        return crowd

    async def read_slowly(self, seconds):
        crowd, end = await self.crowd(50, GET), time.monotonic() + seconds
        while time.monotonic() < end:
            for reader, writer in crowd:
                try:
                    await asyncio.wait_for(reader.read(1), 0.001)
                except (OSError, TimeoutError):
                    pass
            await asyncio.sleep(0.1)
        return crowd

    async def reset(self, seconds):
        """After each byte of a request in turn, and before or during the reply."""
        end = time.monotonic() + seconds
        for cut in itertools.cycle(range(len(GET) + 1)):
            if time.monotonic() > end:
                break
            crowd = await self.crowd(10, GET[:cut])
            if cut == len(GET):
                await asyncio.sleep(self.random.uniform(0, 0.1))
            for _, writer in crowd:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            await asyncio.sleep(0.02)
        return []

    async def rubbish(self, seconds):
        crowd, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            crowd += await self.crowd(5, self.random.randbytes(self.random.randrange(20_000)))
            crowd += await self.crowd(1, self.random.choice(KILLERS))
            await asyncio.sleep(0.1)
        return crowd


KINDS = [Attack.idle, Attack.drip, Attack.read_slowly, Attack.reset, Attack.rubbish]


def run(address, seed, pause, calm, attacks):
    """Never returns. Each attack lasts as long as the `pause` behind it. `attacks` counts them. While `calm`, there is
    none."""

    async def main():
        rng = random.Random(f"{seed} clients")
        while True:
            for kind in rng.sample(KINDS, len(KINDS)):
                await asyncio.sleep(pause)
                if calm.value:
                    continue
                for _, writer in await kind(Attack(address, rng), pause):
                    writer.transport.abort()
                attacks.value += 1

    asyncio.run(main())
