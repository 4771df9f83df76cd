/** Strokes of the map's drawings: cased lines, hatches, tags. */

import type { Frame } from "./canvas";
import type { Point } from "./geometry";
import type { Colours } from "./theme";

const FONT = '600 12px -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, system-ui, sans-serif';

/** Add closed paths in quadrant corners to the context's path, drawn in by `inset` px. */
export function trace(frame: Frame, paths: Point[][], inset: number): void {
  const { context, scale, left, top } = frame;
  context.beginPath();
  for (const path of paths) {
    path.forEach((point, i) => {
      const before = path[(i + path.length - 1) % path.length]!;
      const after = path[(i + 1) % path.length]!;
      // Clockwise: the inside lies to the right of the way in and of the way out.
      const [inX, inY] = [Math.sign(point[0] - before[0]), Math.sign(point[1] - before[1])];
      const [outX, outY] = [Math.sign(after[0] - point[0]), Math.sign(after[1] - point[1])];
      const x = left + point[0] * scale + inset * (-inY - outY);
      const y = top + point[1] * scale + inset * (inX + outX);
      if (i === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    });
    context.closePath();
  }
}

/** Stroke the present path with a case 1 px wider on each side, so that it can be seen on any picture. */
export function cased(frame: Frame, colour: string, width: number, casing: string, dash: number[] = [], shift = 0): void {
  const { context } = frame;
  context.setLineDash([]);
  context.strokeStyle = casing;
  context.lineWidth = width + 2;
  context.stroke();
  context.setLineDash(dash);
  context.lineDashOffset = shift;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
  context.setLineDash([]);
}

/** Parallel 45° lines through the present path; they stay put on the ground while the map moves. */
export function hatch(frame: Frame, colour: string, every: number, width: number, falling = false): void {
  const { context, left, top } = frame;
  const tile = stripes(colour, every, width, falling);
  const pattern = context.createPattern(tile.picture, "repeat")!;
  const side = tile.side;
  pattern.setTransform(new DOMMatrix().translate(left % side, top % side).scale(1 / DENSITY));
  context.fillStyle = pattern;
  context.fill();
}

const DENSITY = 2;
const drawn = new Map<string, { picture: HTMLCanvasElement; side: number }>();

function stripes(colour: string, every: number, width: number, falling: boolean): { picture: HTMLCanvasElement; side: number } {
  const name = `${colour} ${every} ${width} ${falling}`;
  const known = drawn.get(name);
  if (known) return known;
  // Lines `every` px apart at 45° repeat every √2 times that along each axis; whole pixels tile without a gap.
  const side = Math.round(every * Math.SQRT2);
  const picture = document.createElement("canvas");
  picture.width = picture.height = side * DENSITY;
  const context = picture.getContext("2d")!;
  context.scale(DENSITY, DENSITY);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  for (const shift of [-side, 0, side]) {
    if (falling) {
      context.moveTo(shift - 2, -2);
      context.lineTo(shift + side + 2, side + 2);
    } else {
      context.moveTo(shift - 2, side + 2);
      context.lineTo(shift + side + 2, -2);
    }
  }
  context.stroke();
  const tile = { picture, side };
  drawn.set(name, tile);
  return tile;
}

export interface Tag {
  text: string;
  x: number;
  y: number;
  /** Whether x, y is the tag's centre or its top left corner. */
  centred: boolean;
  /** The text's colour where it is not the usual one. */
  ink?: string;
  /** A small sign in front of the text. */
  mark?: "clock";
  /** Turn of the spinner in front of the text, if there is one. */
  spin?: number;
  spinColour?: string;
}

export function drawTag(frame: Frame, tag: Tag, look: Colours): void {
  const { context } = frame;
  context.font = FONT;
  const spinner = tag.spin === undefined && !tag.mark ? 0 : 16;
  const width = Math.max(19, Math.ceil(context.measureText(tag.text).width) + 12 + spinner);
  const height = 20;
  const x = Math.round(tag.centred ? tag.x - width / 2 : tag.x);
  const y = Math.round(tag.centred ? tag.y - height / 2 : tag.y);
  context.fillStyle = look.tag;
  context.beginPath();
  context.roundRect(x, y, width, height, 4);
  context.fill();
  context.fillStyle = tag.ink ?? look.text;
  context.textAlign = "left";
  context.textBaseline = "middle";
  const padding = tag.text.length === 1 && !spinner ? (width - context.measureText(tag.text).width) / 2 : 6;
  context.fillText(tag.text, x + padding + spinner, y + height / 2 + 0.5);
  if (tag.mark === "clock") {
    context.strokeStyle = tag.ink ?? look.text;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x + 12, y + height / 2, 5, 0, 2 * Math.PI);
    context.moveTo(x + 12, y + height / 2 - 3);
    context.lineTo(x + 12, y + height / 2);
    context.lineTo(x + 14, y + height / 2 + 1.5);
    context.stroke();
  }
  if (tag.spin !== undefined) {
    context.strokeStyle = tag.spinColour ?? look.processing;
    context.lineWidth = 1.75;
    context.beginPath();
    context.arc(x + 12, y + height / 2, 4.5, tag.spin, tag.spin + Math.PI * 1.5);
    context.stroke();
  }
}

export function withAlpha(colour: string, alpha: number): string {
  return `rgba(${channels(colour).join(", ")}, ${alpha})`;
}

/** Red, green and blue of a colour as the theme writes it. */
export function channels(colour: string): number[] {
  const hex = colour.slice(1);
  // The build shortens #ffffff to #fff.
  const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join("") : hex;
  return [0, 2, 4].map((i) => parseInt(full.slice(i, i + 2), 16));
}
