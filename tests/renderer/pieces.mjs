// Answers for test_pieces.py what the page makes of things that lie across tiles: cuts each as a maker of tiles does, and
// puts them together as every tile sees them. Things are given as JSON on the command line, in units of 4096 to a tile.
import { registerHooks } from "node:module";

registerHooks({ resolve: (name, context, next) => next(/^\.\.?\/[^.]*$/.test(name) ? `${name}.ts` : name, context) });
const { clipRing, polygons } = await import("../../web/scene/source/clip.ts");
const { wholesOf } = await import("../../web/scene/source/piece.ts");

const UNITS = 4096;
const { buffer, things } = JSON.parse(process.argv[2]);
const tiles = new Map();
for (let column = 0; column < 4; column++) for (let row = 0; row < 4; row++) tiles.set(`${column},${row}`, { column, row, pieces: [] });

for (const [number, { words, id, rings }] of things.entries()) {
  for (const { column, row, pieces } of tiles.values()) {
    // What a tile says: cut at its buffer, and in whole units.
    const moved = (ring) => ring.map(([x, y]) => ({ x: x - column * UNITS + buffer, y: y - row * UNITS + buffer }));
    const said = rings.map((ring) => clipRing(moved(ring), UNITS + 2 * buffer).map(({ x, y }) => ({ x: Math.round(x) - buffer, y: Math.round(y) - buffer })));
    for (const polygon of polygons(said)) {
      const inside = polygon.map((ring) => clipRing(ring, UNITS)).filter((ring) => ring.length > 2);
      if (!inside.length) continue;
      const placed = inside.map((ring) => ring.map((p) => ({ x: column + p.x / UNITS, y: row + p.y / UNITS })));
      pieces.push({ words, number, cut: { zoom: 15, column, row, units: UNITS, id, rings: placed } });
    }
  }
}
const views = {};
for (const [name, { column, row }] of tiles) {
  const around = [...tiles.values()].filter((tile) => Math.abs(tile.column - column) < 2 && Math.abs(tile.row - row) < 2);
  views[name] = wholesOf(column, row, around.flatMap(({ pieces }) => pieces)).map(({ key, pieces, polygons }) => ({
    key, things: pieces.map(({ number }) => number),
    polygons: polygons.map((polygon) => polygon.map((ring) => ring.map(({ x, y }) => [x * UNITS, y * UNITS]))),
  }));
}
console.log(JSON.stringify(views));
