"""A session with a venue, held by Nasdaq's own SoupBinTCP client (PyPI nasdaq-protocols).

usage: python nasdaq_client.py PORT SESSION     a venue with ESH4, ALICE and BOB on loopback, nothing traded yet
exit 0 and one JSON line of what was seen, or a traceback. Packets are the library's; OUCH 5.0 is packed here.
"""
import asyncio
import json
import struct
import sys

from nasdaq_protocols import soup

PRICE = 48_002_500                       # 4800.25 with four implied decimals
IDLE_S = 5                               # two and a half windows of the library's monitor of the server
ENTER = struct.Struct('>c I c I 8s Q c c c c c 14s H')
CANCEL = struct.Struct('>c I I')
ACCEPTED = struct.Struct('>c Q I c I 8s Q c c Q c c c c 14s H')
EXECUTED = struct.Struct('>c Q I I Q c Q H')
CANCELED = struct.Struct('>c Q I I c')


def enter(user_ref_num, side, quantity, price=PRICE):
    return ENTER.pack(b'O', user_ref_num, side, quantity, b'ESH4    ', price, b'0', b'Y', b'P', b'N', b'N',
                      b'interop'.ljust(14), 0)


class Session(soup.SoupClientSession, session_type='client'):
    """The library's session, counting heartbeats: the library itself swallows them."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.closed = asyncio.Event()
        self.on_close_coro = self.when_closed
        self.sent, self.received = 0, 0

    async def when_closed(self):
        self.closed.set()

    async def send_heartbeat(self):
        self.sent += 1
        await super().send_heartbeat()

    def data_received(self, data):
        # A heartbeat travels alone here: it is sent when there is nothing else to send.
        self.received += data == b'\x00\x01H'
        super().data_received(data)


class Venue:
    def __init__(self, port, session):
        self.remote, self.session = ('127.0.0.1', port), session

    async def login(self, user, password, session='', sequence=1):
        # The factory carries the intervals: the library drops the ones given beside a factory.
        return await soup.connect_async(
            self.remote, user, password, session, sequence,
            session_factory=lambda: Session(client_heartbeat_interval=1, server_heartbeat_interval=2))

    async def refused(self, *login):
        """the reject reason of a login that must not succeed"""
        try:
            await self.login(*login)
        except ConnectionRefusedError as error:
            return str(error)
        raise AssertionError('login %r was accepted' % (login,))


async def messages(link, count):
    """the next sequenced messages"""
    found = []
    for _ in range(count):
        packet = await asyncio.wait_for(link.receive_msg(), 5)
        assert isinstance(packet, soup.SequencedData), packet
        found.append(packet.data)
    return found


async def nothing_more(link, seconds=0.3):
    await asyncio.sleep(seconds)
    packet = link.receive_msg_nowait()
    assert packet is None, 'unexpected %r' % packet


async def logout(link):
    link.logout()
    await asyncio.wait_for(link.closed.wait(), 5)


def check_accepted(message, user_ref_num, side, quantity):
    fields = ACCEPTED.unpack(message)
    assert fields[0] == b'A' and fields[2:9] == (user_ref_num, side, quantity, b'ESH4    ', PRICE, b'0', b'Y'), fields
    assert fields[13] == b'L' and fields[14] == b'interop'.ljust(14), fields
    return fields[9]


def check_executed(message, user_ref_num, quantity, liquidity):
    fields = EXECUTED.unpack(message)
    assert fields[0] == b'E' and fields[2:6] == (user_ref_num, quantity, PRICE, liquidity), fields
    return fields[6]


async def trade(alice, bob):
    """ALICE rests 10, BOB takes 4 of them; returns the messages of both"""
    alice.send_unseq_data(enter(1, b'B', 10))
    to_alice = await messages(alice, 1)
    first = check_accepted(to_alice[0], 1, b'B', 10)
    bob.send_unseq_data(enter(1, b'S', 4))
    to_bob = await messages(bob, 2)
    to_alice += await messages(alice, 1)
    assert check_accepted(to_bob[0], 1, b'S', 4) > first, 'OrderRefNum must ascend'
    resting, incoming = check_executed(to_alice[1], 1, 4, b'A'), check_executed(to_bob[1], 1, 4, b'R')
    assert resting == incoming, 'one match, two match numbers'
    return to_alice, to_bob


async def heartbeats(*links):
    """an idle link stays up: the library closes it after 2 s in which the venue said nothing"""
    await asyncio.sleep(IDLE_S)
    for link in links:
        assert link.is_active(), 'the library gave the venue up'
        assert link.received >= IDLE_S - 2 and link.sent >= IDLE_S - 2, (link.received, link.sent)
    return links[0].received, links[0].sent


async def rewind(venue, seen):
    """the same bytes again from 1, the rest of them from 2, none of them from 0, the next from the end"""
    for first in (1, 2, len(seen) + 1, 0):
        link = await venue.login('ALICE', 'pw-alice', venue.session, first)
        expected = seen[first - 1:] if first else []
        assert link.session_id.session == venue.session
        assert link.sequence + 1 == (first or len(seen) + 1), link.sequence
        assert await messages(link, len(expected)) == expected, 'a rewind must repeat the bytes'
        await nothing_more(link)
        assert link.sequence == len(seen), 'the library counts as the venue does'
        await logout(link)


async def live_after_rewind(venue, seen):
    """a rewind runs into what happens next without a gap: the open 6 lots are canceled"""
    link = await venue.login('ALICE', 'pw-alice', venue.session, len(seen))
    link.send_unseq_data(CANCEL.pack(b'X', 1, 0))
    last, canceled = await messages(link, 2)
    assert last == seen[-1]
    fields = CANCELED.unpack(canceled)
    assert fields[0] == b'C' and fields[2:] == (1, 6, b'U'), fields
    return link


async def takeover(venue, old):
    """a second login of the same name closes the first"""
    new = await venue.login('ALICE', 'pw-alice', '', 0)
    await asyncio.wait_for(old.closed.wait(), 5)
    assert new.is_active()
    await logout(new)


async def play(port, session):
    venue = Venue(port, session)
    alice, bob = await venue.login('ALICE', 'pw-alice'), await venue.login('BOB', 'pw-bob')
    assert alice.session_id.session == bob.session_id.session == session
    to_alice, to_bob = await trade(alice, bob)
    alice.send_debug('a debug packet is ignored')
    received, sent = await heartbeats(alice, bob)
    await logout(alice)
    assert bob.is_active(), "one login's logout is its own"
    await logout(bob)
    await rewind(venue, to_alice)
    await takeover(venue, await live_after_rewind(venue, to_alice))
    assert 'NOT_AUTHORIZED' in await venue.refused('ALICE', 'wrong')
    assert 'NOT_AUTHORIZED' in await venue.refused('NOBODY', 'pw-alice')
    assert 'SESSION_NOT_AVAILABLE' in await venue.refused('ALICE', 'pw-alice', 'ELSEWHERE')
    assert 'SESSION_NOT_AVAILABLE' in await venue.refused('ALICE', 'pw-alice', session, 1_000)
    print(json.dumps({'server_heartbeats': received, 'client_heartbeats': sent,
                      'messages': len(to_alice) + len(to_bob) + 1}))


if __name__ == '__main__':
    asyncio.run(asyncio.wait_for(play(int(sys.argv[1]), sys.argv[2]), 45))
