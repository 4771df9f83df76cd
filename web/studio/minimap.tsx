/** The whole world at a glance, and where the view is in it; a click goes there. */

import type L from "leaflet";
import { useEffect, useRef } from "preact/hooks";
import { effect } from "@preact/signals";
import type { Layer } from "./api";
import { blueprint } from "./blueprint";
import { grown, height, union, width, type Rect } from "./geometry";
import { drawGround, drawSpecks, tones } from "./ground";
import { at } from "./map";
import { centre, extent, isEmpty, layer, status, worldTick, zoom } from "./state";
import { colours, theme } from "./theme";
import { count } from "./words";
import { STARTER } from "./welcome";
import { world } from "./world";

const WIDTH = 168;
const HEIGHT = 104;
const PICTURES_EVERY_MS = 1_500;
const FARTHEST = 8;
/** Where places lie so far apart that more tiles lie between them, only where something stands is marked. */
const MOST_PICTURES = 400;

interface Scene {
  frame: Rect;
  scale: number;
  left: number;
  top: number;
}

/** The world with a little ground around it, fitted into the card. */
function scene(): Scene {
  const around = union(extent.value ?? STARTER, blueprint.value?.bounds ?? null)!;
  const frame = grown(around, Math.max(1, Math.round(Math.max(width(around), height(around)) / 12)));
  const scale = Math.min(WIDTH / width(frame), HEIGHT / height(frame));
  return {
    frame,
    scale,
    left: (WIDTH - width(frame) * scale) / 2 - frame[0] * scale,
    top: (HEIGHT - height(frame) * scale) / 2 - frame[1] * scale,
  };
}

/** Pictures of the pyramid by address, asked for anew by their ETag when the world has changed. */
class Pictures {
  private readonly known = new Map<string, ImageBitmap | null>();
  private readonly asked = new Map<string, string>();

  constructor(private readonly arrived: () => void) {}

  get(kind: Layer, z: number, x: number, y: number): ImageBitmap | null {
    const address = `/tiles/${kind}/${z}/${x}/${y}`;
    const side = 2 ** z;
    const held = world.covers([x * side, y * side, (x + 1) * side - 1, (y + 1) * side - 1]);
    const edition = world.edition(kind, z, x, y);
    // What this page does not hold may stand there or not; the server knows.
    const stands = (status.value?.renders ?? 0) + (status.value?.quadrants ?? 0) > 0;
    if (edition === "" && (held || world.coversAll || !stands)) return null;
    const newest = held ? edition : String(status.value?.last_event ?? 0);
    if (this.asked.get(address) !== newest && !this.resting) {
      this.asked.set(address, newest);
      void this.fetch(address);
    }
    return this.known.get(address) ?? null;
  }

  private resting = false;

  /** Let further changes gather for a while, so that a busy world is not drawn anew at every event. */
  rest(): void {
    if (this.resting) return;
    this.resting = true;
    setTimeout(() => {
      this.resting = false;
      this.arrived();
    }, PICTURES_EVERY_MS);
  }

  private async fetch(address: string): Promise<void> {
    try {
      // Whether there is anything here this page may not know: that is no mistake of anybody's.
      const response = await fetch(`${address}?look=1`, { cache: "no-cache", priority: "low" });
      const picture = response.status === 200 ? await createImageBitmap(await response.blob()) : null;
      this.known.get(address)?.close();
      this.known.set(address, picture);
      this.arrived();
    } catch {
      // No connection: the banner says so, and the next event asks again.
      this.asked.delete(address);
    }
  }
}

function draw(canvas: HTMLCanvasElement, pictures: Pictures, map: L.Map): void {
  const density = window.devicePixelRatio || 1;
  if (canvas.width !== WIDTH * density) {
    canvas.width = WIDTH * density;
    canvas.height = HEIGHT * density;
  }
  const context = canvas.getContext("2d")!;
  const look = colours();
  const ground = tones();
  const { frame, scale, left, top } = scene();
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, WIDTH, HEIGHT);
  const z = Math.max(0, Math.min(FARTHEST, Math.floor(Math.log2(512 / scale / density))));
  const tiles = ((frame[2] >> z) - (frame[0] >> z) + 1) * ((frame[3] >> z) - (frame[1] >> z) + 1);
  const kinds = layer.value === "render" ? ["render"] : ["render", layer.value];
  if (extent.value && tiles > MOST_PICTURES) {
    for (const kind of kinds) {
      drawSpecks({ context, width: WIDTH, height: HEIGHT, scale, left, top }, kind, kind === "render" ? ground.rendered : ground.finished);
    }
  } else if (extent.value) {
    for (const kind of kinds) {
      context.filter = kind === "render" && layer.value !== "render" ? "saturate(.1) opacity(.5)" : "none";
      for (let y = frame[1] >> z; y <= frame[3] >> z; y++) {
        for (let x = frame[0] >> z; x <= frame[2] >> z; x++) {
          const picture = pictures.get(kind, z, x, y);
          const side = 2 ** z;
          if (picture) {
            context.imageSmoothingEnabled = true;
            context.drawImage(picture, left + x * side * scale, top + y * side * scale, side * scale, side * scale);
          } else if (kind === layer.value || !world.isGenerated(z, x, y)) {
            const rect: Rect = [x * side, y * side, (x + 1) * side - 1, (y + 1) * side - 1];
            drawGround({ context, width: WIDTH, height: HEIGHT, scale, left, top }, kind, rect, kind === "render" ? ground.rendered : ground.finished);
          }
        }
      }
    }
    context.filter = "none";
    pictures.rest();
  }
  for (const job of world.jobs.values()) {
    const colour = job.state === "processing" ? look.processing : job.state === "error" ? look.failed : null;
    if (!colour) continue;
    context.fillStyle = colour;
    for (const [x, y] of job.cells) context.fillRect(left + x * scale, top + y * scale, Math.max(2, scale), Math.max(2, scale));
  }
  const plan = blueprint.value?.bounds;
  if (plan) {
    context.globalAlpha = 0.5;
    context.fillStyle = look.accent;
    context.fillRect(left + plan[0] * scale, top + plan[1] * scale, width(plan) * scale, height(plan) * scale);
    context.globalAlpha = 1;
  }
  const bounds = map.getBounds();
  const view = [bounds.getWest(), Math.min(bounds.getNorth(), bounds.getSouth()), bounds.getEast(), Math.max(bounds.getNorth(), bounds.getSouth())] as const;
  const x0 = Math.max(1, left + view[0] * scale);
  const y0 = Math.max(1, top + view[1] * scale);
  const x1 = Math.min(WIDTH - 1, left + view[2] * scale);
  const y1 = Math.min(HEIGHT - 1, top + view[3] * scale);
  context.lineWidth = 3.5;
  context.strokeStyle = look.tag;
  context.strokeRect(x0, y0, Math.max(3, x1 - x0), Math.max(3, y1 - y0));
  context.lineWidth = 1.5;
  context.strokeStyle = look.text;
  context.strokeRect(x0, y0, Math.max(3, x1 - x0), Math.max(3, y1 - y0));
}

export function MiniMap({ map }: { map: L.Map }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let scheduled = false;
    const soon = (): void => {
      if (scheduled) return;
      scheduled = true;
      requestAnimationFrame(() => {
        scheduled = false;
        if (canvas.current?.offsetParent) draw(canvas.current, pictures, map);
      });
    };
    const pictures = new Pictures(soon);
    return effect(() => {
      void [worldTick.value, extent.value, centre.value, zoom.value, layer.value, theme.value, blueprint.value, status.value, isEmpty.value];
      soon();
    });
  }, [map]);
  const go = (event: PointerEvent): void => {
    // Only a drag that began here: one that selects quadrants may pass over this card.
    if (event.type === "pointerdown") canvas.current!.setPointerCapture(event.pointerId);
    else if (!canvas.current!.hasPointerCapture(event.pointerId)) return;
    const box = canvas.current!.getBoundingClientRect();
    const { scale, left, top } = scene();
    map.setView(at((event.clientX - box.left - left) / scale, (event.clientY - box.top - top) / scale), map.getZoom(), { animate: false });
  };
  const done = status.value?.quadrants ?? 0;
  const renders = status.value?.renders ?? 0;
  return (
    <div class="card minimap" data-over-map>
      <canvas ref={canvas} role="img" aria-label="The whole map; a click goes there" onPointerDown={go} onPointerMove={go} />
      <p>
        <span data-finished={done}>{done.toLocaleString("en")} finished</span>
        <span class="dim">{count(renders, "render")}</span>
      </p>
    </div>
  );
}
