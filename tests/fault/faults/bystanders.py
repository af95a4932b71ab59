"""Something that some clients do or suffer, and that nobody else may notice."""

from tests.fault.checker import quantile
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
        if not world.is_quick:
            return f"{self.seen}; the others' sends: {window.assert_fast(self.others_s)}"
        # The p99 of a short run is the slowest of a few sends, and other tests may use the machine at the same time.
        typical_s, before_s = quantile(window.took_s("ok"), 0.5), window.calm_p99_s()
        assert typical_s < max(self.others_s, 5 * before_s), f"sends: {typical_s:.2f} s, {before_s:.2f} s before"
        return f"{self.seen}; the others' sends: p50 {typical_s * 1000:.0f} ms"
