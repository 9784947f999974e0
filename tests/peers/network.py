"""A bad network between a peer and the server, on the loopback and without privileges.

`Wire` carries WebSockets, and cuts them when it is told to. `Air` carries media: it loses datagrams and delays each
by a time of its own, so that they also come out of order. The server must tell callers `Air`'s address and be passive
(`LIVEKIT_TEST_MEDIA_IP` of .ci/livekit-server.sh), or they find a way around it.
"""

import asyncio
import contextlib
import random


class Wire:
    """A TCP relay to `port` on the loopback."""

    def __init__(self, port: int):
        self.port = port
        self.address = None
        self.up = True
        self.writers = set()
        self.connections = 0

    async def open(self) -> "Wire":
        self.server = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        self.address = f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    def cut(self) -> None:
        """Ends all connections, at once and without a farewell; new ones are taken only if `up`."""
        for writer in self.writers:
            writer.transport.abort()

    async def carry(self, reader, writer) -> None:
        if not self.up:
            writer.transport.abort()
            return
        self.connections += 1
        try:
            there_reader, there = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        self.writers |= {writer, there}
        await asyncio.gather(pump(reader, there), pump(there_reader, writer))
        self.writers -= {writer, there}


async def pump(reader, writer) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


class Air(asyncio.DatagramProtocol):
    """A UDP relay from (`ip`, `port`) to (127.0.0.1, `port`)."""

    def __init__(self, ip: str, port: int, loss: float, delay_s: float, jitter_s: float, seed: int = 1):
        self.here, self.there = (ip, port), ("127.0.0.1", port)
        self.loss, self.delay_s, self.jitter_s = loss, delay_s, jitter_s
        self.random = random.Random(seed)
        self.lanes = {}
        self.sent = self.lost = 0

    async def open(self) -> "Air":
        self.loop = asyncio.get_running_loop()
        await self.loop.create_datagram_endpoint(lambda: self, local_addr=self.here)
        return self

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, caller) -> None:
        lane = self.lanes.get(caller)
        if lane is None:
            lane = self.lanes[caller] = Lane(self, caller)
            task = self.loop.create_task(lane.open())
            task.add_done_callback(lambda _: self.later(lane.send, data))
        else:
            self.later(lane.send, data)

    def later(self, send, data: bytes) -> None:
        self.sent += 1
        if self.random.random() < self.loss:
            self.lost += 1
            return
        wait = self.delay_s + self.jitter_s * self.random.random()
        self.loop.call_later(wait, send, data)


class Lane(asyncio.DatagramProtocol):
    """One caller's way to the server and back."""

    def __init__(self, air: Air, caller):
        self.air, self.caller, self.transport = air, caller, None

    async def open(self) -> None:
        await self.air.loop.create_datagram_endpoint(lambda: self, remote_addr=self.air.there)

    def connection_made(self, transport) -> None:
        self.transport = transport

    def send(self, data: bytes) -> None:
        if self.transport:
            self.transport.sendto(data)

    def datagram_received(self, data: bytes, _) -> None:
        self.air.later(lambda datagram: self.air.transport.sendto(datagram, self.caller), data)
