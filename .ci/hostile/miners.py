"""Fifty miners on loopback addresses of their own. The first HEALTHY of them always answer properly; the others mostly."""

import asyncio
import random
import re
import socket
import struct
import time
from pathlib import Path

COUNT = 50
HEALTHY = 10
CAPTURES = sorted((Path(__file__).parents[2] / "tests/captures").glob("*__*.reply"))
ERRORS = sorted((Path(__file__).parents[2] / "tests/captures").glob("error-*.reply"))
PATIENCE = 30  # longer than any exporter waits


class Miner:
    def __init__(self, number, address, seed, counts, calm):
        self.number, self.address, self.counts, self.calm = number, address, counts, calm
        self.random = random.Random(f"{seed} miner {number}")
        self.is_healthy = number < HEALTHY
        self.model = self.random.choice(CAPTURES).read_bytes()
        self.server = None
        self.restart()

    def restart(self):
        """All that a miner forgets when its power fails; it comes back with another pool and another number of chips."""
        self.started = time.monotonic()
        self.renew_pool()
        self.renew_chips()

    def renew_pool(self):
        self.pool = b"stratum+tcp://pool-%d.example:3333" % self.random.randrange(10**6)

    def renew_chips(self):
        self.chips = self.random.choice([None, None, 0, 1, 5, 40])

    def reply(self):
        """The capture with counters, pool and chips of its own."""
        seconds = int(time.monotonic() - self.started)
        reply = re.sub(rb"\b(Elapsed|Accepted|Getworks)=\d+", rb"\1=%d" % seconds, self.model)
        reply = reply.replace(b"Elapsed[", b"Elapsed[%d] WasElapsed[" % seconds)
        if not self.is_healthy:
            reply = re.sub(rb"URL=stratum[^,]*", b"URL=" + self.pool, reply, count=1)
            if self.chips is not None:
                reply = re.sub(rb"((?:PVT_T|PVT_V|MW)\d+)\[([^\]]*)\]", self.cut_chips, reply)
        return reply

    def cut_chips(self, item):
        return b"%s[%s]" % (item[1], b" ".join(item[2].split()[: self.chips]))

    async def listen(self):
        address, port = self.address
        self.server = await asyncio.start_server(self.serve, address, port, backlog=64)

    async def serve(self, reader, writer):
        with self.counts.get_lock():
            self.counts[self.number] += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await reader.read(4096)
                await self.behave(reader, writer)
        except (OSError, TimeoutError):
            pass  # an exporter that has had enough just goes
        finally:
            writer.close()

    async def behave(self, reader, writer):
        if self.is_healthy or self.calm.value or self.random.random() < 0.8:
            writer.write(self.reply())
            return await writer.drain()
        await self.random.choice(MISDEEDS)(self, reader, writer)

    async def is_silent(self, reader, _writer):
        await reader.read()

    async def resets(self, _reader, writer):
        writer.write(self.reply()[: self.random.choice([0, 100, 5000])])
        reset(writer)

    async def stops_half_way(self, _reader, writer):
        reply = self.reply()
        writer.write(reply[: self.random.randrange(len(reply))])

    async def floods(self, _reader, writer):
        piece = self.random.choice([b"x" * 65536, b"a=b,|" * 8192, self.reply().rstrip(b"\0")])
        while True:
            writer.write(piece)
            await writer.drain()

    async def drips(self, _reader, writer):
        """One byte after the other: the whole reply would take a quarter of an hour."""
        for byte in self.reply():
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.1)

    async def dawdles(self, _reader, writer):
        """Slow, but in time."""
        reply = self.reply()
        for start in range(0, len(reply), 1000):
            writer.write(reply[start : start + 1000])
            await asyncio.sleep(0.03)

    async def talks_rubbish(self, _reader, writer):
        writer.write(self.random.randbytes(self.random.randrange(20_000)))

    async def has_bits_flipped(self, _reader, writer):
        reply = bytearray(self.reply())
        for _ in range(20):
            reply[self.random.randrange(len(reply))] = self.random.randrange(256)
        writer.write(reply)

    async def answers_another_question(self, _reader, writer):
        parts = self.reply().split(b"|CMD=")
        writer.write(self.random.choice([path.read_bytes() for path in ERRORS] + [parts[0] + b"|\0", parts[-1]]))

    async def is_a_web_server(self, _reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async def exaggerates(self, _reader, writer):
        reply = re.sub(rb"=\d+,", lambda _: b"=" + b"9" * 400 + b",", self.reply(), count=50)
        writer.write(self.random.choice([reply, self.reply() * 2, b"\0" + reply, reply.replace(b"[", b"[" * 300)]))

    async def restarts(self, _reader, writer):
        self.restart()
        reset(writer)
        await self.goes_away()

    async def changes_pool_and_chips(self, _reader, writer):
        self.renew_pool()
        self.renew_chips()
        self.model = self.random.choice(CAPTURES).read_bytes()
        writer.write(self.reply())

    async def goes_away(self, *_):
        """Refuses connections for a while."""
        if self.server.is_serving():
            self.server.close()
            end = time.monotonic() + self.random.uniform(1, 10)
            while time.monotonic() < end and not self.calm.value:
                await asyncio.sleep(0.1)
            await self.listen()


MISDEEDS = [
    Miner.is_silent, Miner.resets, Miner.stops_half_way, Miner.floods, Miner.drips, Miner.dawdles, Miner.talks_rubbish,
    Miner.has_bits_flipped, Miner.answers_another_question, Miner.is_a_web_server, Miner.exaggerates, Miner.restarts,
    Miner.changes_pool_and_chips, Miner.goes_away,
]  # fmt: skip


def reset(writer):
    """Ends a connection without a farewell."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def run(addresses, seed, counts, calm, ready):
    """Never returns. `counts`: connections of each miner. While `calm`, all behave. `ready` is set when all listen."""

    async def main():
        miners = [Miner(number, address, seed, counts, calm) for number, address in enumerate(addresses)]
        await asyncio.gather(*(miner.listen() for miner in miners))
        ready.set()
        await asyncio.Event().wait()

    asyncio.run(main())
