/** Why a quadrant failed, cannot go on or is left out, beside the pointer or where somebody asked. */

import type L from "leaflet";
import { fateOf } from "./blueprint";
import type { Cell } from "./geometry";
import { at } from "./map";
import { centre, explained, hover, nameOfModel, preview, worldTick, zoom } from "./state";
import { jobOf, whyHeld } from "./holders";
import { whyWaits } from "./waits";
import { capital, sentence, title } from "./words";
import { isHeld, isStuck, world } from "./world";

const WIDTH = 280;

interface Word {
  cell: Cell;
  title: string;
  note: string;
  reason: string;
}

function wordFor(cell: Cell): Word | null {
  const fate = preview.value ? fateOf(...cell) : undefined;
  const name = cell.join(",");
  if (fate?.reason) return { cell, title: `${name} is left out.`, note: "", reason: fate.reason };
  if (fate?.isRedone) {
    return { cell, title: `${name} is drawn anew.`, note: fate.wave ? `Wave ${fate.wave}.` : "", reason: "It is finished, and in the way of others. Its versions are kept." };
  }
  const job = world.jobAt(...cell);
  if (!job && world.stale.has(name)) {
    return { cell, title: `${name} is stale.`, note: "", reason: "A neighbour has been replaced since this one was fitted to it. Select it to see which." };
  }
  if (!job) return null;
  const note = job.model_id ? nameOfModel(job.model_id) : "";
  if (job.state === "error") return { cell: job.cells[0]!, title: title(job), note, reason: job.reason || "No reason was given." };
  if (isStuck(job)) return { cell: job.cells[0]!, title: `${title(job)} cannot go on.`, note, reason: job.reason };
  if (isHeld(job)) {
    // The map does not carry what each step waits for.
    const whole = jobOf(job.job);
    const held_by = whole?.held_by ?? 0;
    return { cell: job.cells[0]!, title: `${title(job)} cannot go on.`, note, reason: whyHeld({ ...job, held_by }, held_by ? jobOf(held_by) : null) };
  }
  const why = job.state === "pending" ? whyWaits(job) : "";
  if (why) return { cell: job.cells[0]!, title: `${title(job)} waits.`, note, reason: sentence(capital(why)) };
  return null;
}

export function Tooltip({ map }: { map: L.Map }) {
  void [centre.value, zoom.value, worldTick.value];
  const word = (hover.value && wordFor(hover.value)) ?? (explained.value && wordFor(explained.value));
  if (!word) return null;
  const corner = map.latLngToContainerPoint(at(...word.cell));
  const size = map.getSize();
  if (corner.x > size.x || corner.y > size.y || corner.x < -size.x || corner.y < -size.y) return null;
  const left = Math.max(12, Math.min(corner.x + 44, size.x - WIDTH - 12));
  const top = Math.max(60, Math.min(corner.y + 6, size.y - 96));
  return (
    <div class="tooltip" role="tooltip" data-tooltip={word.cell.join()} style={{ left: `${left}px`, top: `${top}px` }}>
      <strong>{word.title}</strong> {word.note}
      <p>{word.reason}</p>
    </div>
  );
}
