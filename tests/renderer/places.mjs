// Answers for test_camera.py what the page and the studio make of places, given as JSON on the command line.
import { registerHooks } from "node:module";

// The pages' modules leave the suffix to their bundler.
registerHooks({ resolve: (name, context, next) => next(/^\.\.?\/[^.]*$/.test(name) ? `${name}.ts` : name, context) });

const { camera, places, pixels, tiles } = JSON.parse(process.argv[2]);
globalThis.window = { tilewrightSettings: { camera, source: { kind: "test" } } };
const scene = await import("../../web/scene/camera.ts");
const ground = await import("../../web/scene/place.ts");
const studio = await import("../../web/studio/camera.ts");

const onScreen = ([east, south]) => scene.toPixel(...scene.toView(east, south), 0);
console.log(JSON.stringify({
  pixels: places.map(([latitude, longitude]) => onScreen(ground.toGround(latitude, longitude))),
  tiles: tiles.map(([zoom, column, row]) => onScreen(ground.tileToGround(zoom, column, row))),
  columns: tiles.map(([zoom, column, row]) => ground.groundToTile(zoom, ...ground.tileToGround(zoom, column, row))),
  back: pixels.map(([x, y]) => ground.toPlace(...scene.fromView(x / scene.ACROSS, -y / scene.UP))),
  studio: pixels.map(([x, y]) => studio.place(camera, x / 512, y / 512)),
}));
