// Answers for test_reach.py how far what chunks build reaches out of what they say that they reach over: in world pixels
// where it is drawn, in metres where it casts shadows. The settings, the folder of the tiles and the blocks to look at are
// given as JSON on the command line, and behind them what the source says of itself.
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

registerHooks({ resolve: (name, context, next) => next(/^\.\.?\/[^.]*$/.test(name) ? `${name}.ts` : name, context) });
const [{ camera, source, folder, blocks }, about] = process.argv.slice(2).map((text) => JSON.parse(text));
globalThis.window = { tilewrightSettings: { camera, source } };
globalThis.location = { search: "" };
globalThis.fetch = async (address) => new Response(readFileSync(`${folder}${address.replace("/tiles", "")}.mvt`));
const { World } = await import("../../web/scene/world.ts");
const { Supply } = await import("../../web/scene/source/supply.ts");
const { toPixel } = await import("../../web/scene/camera.ts");
const { SHEAR } = await import("../../web/scene/light.ts");
const { BLOCK } = await import("../../web/scene/program.ts");

const world = new World(new Supply(about));
const found = { chunks: 0, points: 0, drawn: 0, cast: 0, worst: null };
const asIs = (x, y) => [x, y];
const slid = (x, y, z) => [x + z * SHEAR[0], y + z * SHEAR[1]];

function look(kind, chunk, attribute, place, [x0, y0, x1, y1]) {
  found.points += attribute.count;
  for (let i = 0; i < attribute.count; i++) {
    const [x, y] = place(attribute.getX(i), attribute.getY(i), attribute.itemSize > 2 ? attribute.getZ(i) : 0);
    const off = Math.max(x0 - x, y0 - y, x - x1, y - y1);
    if (off <= found[kind]) continue;
    found[kind] = off;
    found.worst = { kind, chunk: [chunk.cx, chunk.cy], at: [x, y] };
  }
}

for (const [x, y] of blocks) {
  const block = [x * BLOCK, y * BLOCK, (x + 1) * BLOCK, (y + 1) * BLOCK];
  const { tiles, failed } = await world.load(block[0], block[1], BLOCK, BLOCK);
  if (failed.length) throw new Error(JSON.stringify(failed));
  world.layOut(block[0], block[1], BLOCK, BLOCK, tiles);
  world.enter(x, y);
  for (const chunk of world.inPixels(block)) {
    if (chunk.isBuilt) continue; // the block before has looked
    found.chunks++;
    for (const { geometry: { attributes: { corner, position } } } of chunk.objects()) {
      // Sprites are given in world pixels.
      look("drawn", chunk, corner ?? position, corner ? asIs : toPixel, chunk.pixels());
    }
    for (const { geometry: { attributes: { position } } } of chunk.casters(null)) look("cast", chunk, position, slid, chunk.sheared());
  }
}
console.log(JSON.stringify(found));
