/** Why a quadrant failed, or what is being done to it, beside the pointer. */

import type L from "leaflet";
import { at } from "./map";
import { centre, hover, nameOfModel, worldTick, zoom } from "./state";
import { title } from "./words";
import { world } from "./world";

const WIDTH = 280;

export function Tooltip({ map }: { map: L.Map }) {
  void [centre.value, zoom.value, worldTick.value];
  const cell = hover.value;
  const job = cell && world.jobAt(...cell);
  if (!cell || !job || job.state !== "error") return null;
  const [x, y] = job.cells[0]!;
  const corner = map.latLngToContainerPoint(at(x, y));
  const left = Math.max(12, Math.min(corner.x + 44, map.getSize().x - WIDTH - 12));
  const top = Math.max(60, corner.y + 6);
  return (
    <div class="tooltip" role="tooltip" style={{ left: `${left}px`, top: `${top}px` }}>
      <strong>{title(job)}</strong> {job.model_id && nameOfModel(job.model_id)}
      <p>{job.reason || "No reason was given."}</p>
    </div>
  );
}
