/** The ground: where something stands, a pixel for each quadrant, seen until the pictures of it have come. */

import type L from "leaflet";
import { MapCanvas, type Frame } from "./canvas";
import { cellOf, type Rect } from "./geometry";
import { channels } from "./brush";
import { layer } from "./state";
import type { Layer } from "./api";
import { world } from "./world";

/** Quadrants on a side of one block. */
const BLOCK = 256;
/** While pictures are on their way, blocks follow a busy world at this pace. */
const ANEW_MS = 1_000;

type Tone = "finished" | "rendered";

class Blocks {
  private readonly drawn = new Map<string, HTMLCanvasElement>();
  private made = -Infinity;
  private of = "";
  private again = 0;
  /** Called when there is more to be seen than was taken last. */
  changed = (): void => {};

  /** The blocks of a layer in one colour, by the number of the block; of one layer after the other. */
  take(kind: Layer, colour: string): ReadonlyMap<string, HTMLCanvasElement> {
    const stamp = `${kind} ${colour} ${world.standing(kind).size} ${world.last}`;
    if (stamp === this.of) return this.drawn;
    const early = this.made + ANEW_MS - performance.now();
    if (this.of.startsWith(`${kind} `) && this.drawn.size > 0 && early > 0) {
      this.again ||= window.setTimeout(() => {
        this.again = 0;
        this.changed();
      }, early);
      return this.drawn;
    }
    this.of = stamp;
    this.made = performance.now();
    this.drawn.clear();
    const [red, green, blue] = channels(colour) as [number, number, number];
    const dots = new Map<string, ImageData>();
    for (const key of world.standing(kind).keys()) {
      const [x, y] = cellOf(key);
      const [bx, by] = [Math.floor(x / BLOCK), Math.floor(y / BLOCK)];
      const name = `${bx},${by}`;
      let dot = dots.get(name);
      if (!dot) dots.set(name, (dot = new ImageData(BLOCK, BLOCK)));
      dot.data.set([red, green, blue, 255], 4 * ((y - by * BLOCK) * BLOCK + x - bx * BLOCK));
    }
    for (const [name, dot] of dots) {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = BLOCK;
      canvas.getContext("2d")!.putImageData(dot, 0, 0);
      this.drawn.set(name, canvas);
    }
    return this.drawn;
  }

  forget(): void {
    this.of = "";
  }
}

const [renders, finished] = [new Blocks(), new Blocks()];
const blocksOf = (kind: Layer): Blocks => (kind === "render" ? renders : finished);

/** Draw where something of a layer stands within a rectangle of quadrants. */
export function drawGround(frame: Frame, kind: Layer, rect: Rect, colour: string): void {
  const { context, scale, left, top } = frame;
  context.imageSmoothingEnabled = false;
  const found = blocksOf(kind).take(kind, colour);
  for (let by = Math.floor(rect[1] / BLOCK); by * BLOCK <= rect[3]; by++) {
    for (let bx = Math.floor(rect[0] / BLOCK); bx * BLOCK <= rect[2]; bx++) {
      const block = found.get(`${bx},${by}`);
      if (!block) continue;
      const x0 = Math.max(rect[0], bx * BLOCK);
      const y0 = Math.max(rect[1], by * BLOCK);
      const across = Math.min(rect[2] + 1, (bx + 1) * BLOCK) - x0;
      const down = Math.min(rect[3] + 1, (by + 1) * BLOCK) - y0;
      context.drawImage(block, x0 - bx * BLOCK, y0 - by * BLOCK, across, down, left + x0 * scale, top + y0 * scale, across * scale, down * scale);
    }
  }
}

/** Mark where anything of a layer stands, on a map so small that a block is a pixel or less. */
export function drawSpecks(frame: Frame, kind: Layer, colour: string): void {
  const { context, scale, left, top } = frame;
  context.fillStyle = colour;
  for (const name of blocksOf(kind).take(kind, colour).keys()) {
    const [bx, by] = name.split(",").map(Number) as [number, number];
    const side = Math.max(2, BLOCK * scale);
    context.fillRect(left + bx * BLOCK * scale, top + by * BLOCK * scale, side, side);
  }
}

/** The colours of the ground in the present theme. */
export function tones(): Record<Tone, string> {
  const style = getComputedStyle(document.documentElement);
  return { finished: style.getPropertyValue("--ground").trim(), rendered: style.getPropertyValue("--ground-2").trim() };
}

export interface Bare {
  kind: Layer;
  rect: Rect;
}

/** Keep the ground under tiles whose pictures are still to come; `bare` names these. */
export function addGround(map: L.Map, bare: () => Bare[]): { redraw: () => void; recolour: () => void } {
  let look = tones();
  const canvas = new MapCanvas(map, "ground", 150, (frame) => {
    const all = bare();
    map.getContainer().dataset["bare"] = String(all.length);
    for (const { kind, rect } of all) {
      if (kind === "render") drawGround(frame, kind, rect, look.rendered);
    }
    for (const { kind, rect } of all) {
      if (kind !== "render" && kind === layer.value) drawGround(frame, kind, rect, look.finished);
    }
  });
  for (const one of [renders, finished]) one.changed = () => canvas.redrawSoon();
  return {
    redraw: () => canvas.redrawSoon(),
    recolour: () => {
      look = tones();
      for (const one of [renders, finished]) one.forget();
      canvas.redrawSoon();
    },
  };
}
