// The page that the renderer keeps open: window.tilewright.
//
// A drawn frame is three planes of RGBA bytes one after the other, rows top to bottom: the colour; the object (R and G
// its id, R the high byte, B its material, A its normal code: material.ts); the depth, 24 bits with R the high byte:
// (metres along the view axis from the plane through the world origin + 16384) * 256, larger is farther, A always 255. It
// goes round: on a large map two depths may only be compared by their difference, taken modulo 2 ** 24.
// World pixels, the camera and the axes are explained in camera.ts.

import { WebGLRenderer } from "three";
import { METRES_PER_PIXEL } from "./camera";
import { Frames, LOST } from "./frame";
import { Outbox } from "./outbox";
import type { Scenery } from "./scenery";
import type { Failure } from "./source/missing";
import { describe, Supply } from "./source/supply";
import { World } from "./world";

/** The version of the scene's looks; a picture drawn by another version may differ. */
const BUILD = "scene-4";
const BYTES = 12; // of a pixel in all planes

interface Info {
  build: string; source: string; version: string; attribution: string; metres_per_pixel: number;
  bounds: [number, number, number, number];
}
interface Rectangle { x: number; y: number; width: number; height: number }
/** What to draw, what of it to draw once more and send behind it, and where to: to a place in the outbox, or an address. */
interface DrawRequest extends Rectangle { job: string; again?: Rectangle | null; place?: number | null; url: string }
/** Where something failed to load, no frame was sent: what is not known is never drawn as empty ground. */
interface DrawResult { job: string; width: number; height: number; lost: false; failed: Failure[] }

declare global {
  interface Window {
    tilewright: {
      ready: Promise<Info>; draw(request: DrawRequest): Promise<DrawResult>; lost(): boolean;
      outbox(mark: string, bytes: number): Promise<boolean>;
    };
  }
}

const canvas = document.createElement("canvas");
const outbox = new Outbox();
let frames: Frames | null = null;
let world: Scenery;
let lost = false;
canvas.addEventListener("webglcontextlost", () => { lost = true; });

async function start(): Promise<Info> {
  let renderer: WebGLRenderer;
  try {
    renderer = new WebGLRenderer({ canvas, antialias: false, alpha: false, depth: false, stencil: false });
  } catch {
    throw new Error("This browser has no WebGL 2, so the city cannot be drawn.");
  }
  renderer.autoClear = false;
  renderer.sortObjects = false;
  const source = await describe();
  // What only tile sets need comes along with them: it is larger than all the rest.
  world = "root" in source ? new (await import("./tileset/tileset")).TileSetWorld(source) : new World(new Supply(source));
  const drawer = new Frames(renderer, world);
  // The first draw compiles the shaders; ready then also means that drawing works here. Whether a tile can be had is
  // another matter: the frames that need it will say.
  const { tiles, failed } = await world.load(0, 0, 64, 64);
  if (!failed.length) {
    world.layOut(0, 0, 64, 64, tiles);
    await drawer.draw(0, 0, 64, 64, new Uint8Array(64 * 64 * BYTES));
  }
  frames = drawer;
  return { build: BUILD, source: source.name, version: source.version, attribution: source.attribution, metres_per_pixel: METRES_PER_PIXEL, bounds: world.bounds };
}

async function draw({ job, x, y, width, height, again, place, url }: DrawRequest): Promise<DrawResult> {
  await ready;
  if (![x, y, width, height].every(Number.isInteger) || width < 1 || height < 1 || width * height > 4096 * 4096) {
    throw new Error(`The rectangle ${x}, ${y}, ${width}, ${height} is not one of whole world pixels up to 4096 by 4096.`);
  }
  // A context that was lost and came back has no geometry of ours; the renderer opens a new page.
  if (lost || !frames) throw new Error(LOST);
  const { tiles, failed } = await world.load(x, y, width, height);
  if (failed.length) return { job, width, height, lost: false, failed };
  // Built while the GPU still draws the frame before.
  world.layOut(x, y, width, height, tiles);
  await frames.ready(x, y, width, height);
  // From here on nothing is awaited until the GPU has been told all, so no other frame can drop what this one laid out.
  if (lost) throw new Error(LOST);
  const rectangles = again ? [{ x, y, width, height }, again] : [{ x, y, width, height }];
  const planes = outbox.take(rectangles.reduce((bytes, { width, height }) => bytes + width * height * BYTES, 0));
  let at = 0;
  const drawn: Promise<void>[] = [];
  for (const { x, y, width, height } of rectangles) {
    world.layOut(x, y, width, height, tiles);
    drawn.push(frames.draw(x, y, width, height, planes.subarray(at, (at += width * height * BYTES))));
  }
  await Promise.all(drawn);
  if (url) await outbox.send(job, planes, place ?? null, url);
  else outbox.giveBack(planes); // the bench wants the drawing alone
  if (lost) throw new Error(LOST);
  return { job, width, height, lost: false, failed: [] };
}

const ready = start();
ready.catch(() => undefined); // whoever awaits it still sees the reason
window.tilewright = { ready, draw, lost: () => lost, outbox: (mark, bytes) => outbox.open(mark, bytes) };
