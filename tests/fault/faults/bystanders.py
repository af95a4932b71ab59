"""Something that some clients do or suffer, and that nobody else may notice."""

from tests.fault.fault import Fault, Window
from tests.fault.world import World

OTHERS_S = 0.25


class Bystanders(Fault):
    others_s = OTHERS_S

    def __init__(self) -> None:
        self.seen = ""

    async def begin(self, world: World) -> None:
        """It is all done meanwhile."""

    async def verify(self, world: World, window: Window) -> str:
        assert self.seen, "it did not happen"
        assert set(window.outcomes()) == {"ok"}, window.outcomes()
        assert not window.endings, "the others stay connected"
        return f"{self.seen}; the others' sends: {window.assert_fast(self.others_s)}"
