"""A source of nothing: ground that has no tiles."""

from services.renderer.sources.source import Description, Source, Tile


class Bare(Source):
    """For pages that ask for none."""

    def describe(self) -> Description:
        return Description(name="bare", attribution="", zoom=15, tiles=(0, 0, 0, 0))

    async def tile(self, column: int, row: int) -> Tile | None:
        return None
