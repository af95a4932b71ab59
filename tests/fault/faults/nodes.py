"""What happens to a node."""

from tests.fault.fault import Fault, Window
from tests.fault.world import World


class Killed(Fault):
    target = "node"
    number = 1
    name = "A node is killed"
    done = "SIGKILL of one node, started again at the end"
    expected = "what was in flight is unknown and sent again; its clients are on the other node within 5 s"

    async def begin(self, world: World) -> None:
        await world.nodes[0].kill()

    async def end(self, world: World) -> None:
        if not world.nodes[0].is_alive:
            await world.nodes[0].start()

    async def verify(self, world: World, window: Window) -> str:
        elsewhere = window.comebacks_s
        assert elsewhere, "somebody was on it"
        assert max(elsewhere) < 5.0, elsewhere
        unknown = sum(count for outcome, count in window.outcomes().items() if outcome.startswith("closed"))
        return (
            f"{unknown} sends unknown; {len(elsewhere)} clients on the other node after {max(elsewhere):.1f} s at most"
        )


class Rolled(Fault):
    target = "node"
    number = 2
    name = "A rolling restart"
    done = "SIGTERM of each node in turn, started again before the next"
    expected = "sockets close with 3001; exit code 0 within 25 s; no send is refused"

    lasts_s = (0.5, 2.0)

    def __init__(self) -> None:
        self.exits: list[int] = []

    async def begin(self, world: World) -> None:
        for node in world.nodes:
            self.exits.append(await node.terminate())
            await node.start()

    async def verify(self, world: World, window: Window) -> str:
        assert self.exits == [0] * len(world.nodes)
        codes, outcomes = window.codes(), window.outcomes()
        assert set(codes) <= {0, 3001}, codes  # 0: not back yet
        refused = {outcome for outcome in outcomes if outcome.startswith("refused")}
        assert not refused, outcomes
        longest = max(window.comebacks_s)
        assert longest < 5.0, "nobody is away for long"
        told = f"{codes[3001]} sockets closed with 3001, back after {longest:.1f} s at most"
        return f"exit codes {self.exits}; {told}; sends: {dict(outcomes)}"


class Stopped(Fault):
    target = "node"
    number = 3
    name = "A node hangs"
    done = "SIGSTOP of one node, SIGCONT at the end"
    expected = "its clients leave by the heartbeat; nothing that waited in it is sent twice or out of order"

    lasts_s = (4.5, 45.0)

    async def begin(self, world: World) -> None:
        world.nodes[0].freeze()

    async def end(self, world: World) -> None:
        world.nodes[0].thaw()

    async def verify(self, world: World, window: Window) -> str:
        left = [ending for ending in window.endings if ending.at < window.ended]
        assert left, "somebody was on it"
        longest = max(ending.at for ending in left) - window.began
        return f"{len(left)} connections were given up within {longest:.1f} s"
