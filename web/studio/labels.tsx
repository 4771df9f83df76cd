/** The quadrants in view as a list of words: the map for those who hear it, and for tests. */

import { inView } from "./map";
import type L from "leaflet";
import { fateOf, type Fate } from "./blueprint";
import { centre, loaded, planned, selection, worldTick, zoom } from "./state";
import { cellsIn, height, keyOf, width } from "./geometry";
import { stateLabel } from "./words";
import { isStuck, world } from "./world";

/** More quadrants than this are a picture, not a list. */
const MOST = 700;

export function Labels({ map }: { map: L.Map }) {
  void [centre.value, zoom.value, worldTick.value, loaded.value, planned.value];
  const view = inView(map);
  const isList = width(view) * height(view) <= MOST;
  return (
    <ul class="visually-hidden" aria-label="Quadrants in view" data-labels={isList ? "listed" : "too many"}>
      {isList &&
        cellsIn(view)
          .filter(([x, y]) => world.stateOf(x, y) !== "empty" || selection.value.has(keyOf(x, y)) || fateOf(x, y))
          .map(([x, y]) => label(x, y))}
    </ul>
  );
}

// Not a component of its own: one that saw no signal change would not be drawn anew.
function label(x: number, y: number) {
  const key = keyOf(x, y);
  const job = world.jobAt(x, y);
  const state = world.stateOf(x, y);
  const isSelected = selection.value.has(key);
  const version = world.standing(world.drawn).get(key) ?? 0;
  const place = job?.position ? `, place ${job.position}` : "";
  const why = job && (job.state === "error" || isStuck(job)) ? `, ${job.reason}` : "";
  const fate = fateOf(x, y);
  return (
    <li
      key={key}
      data-quadrant={key}
      data-state={state}
      data-job={job?.job}
      data-stale={world.stale.has(key)}
      data-generation={version}
      data-render={world.standing("render").get(key) ?? 0}
      data-selected={isSelected}
      data-wave={fate?.wave}
      data-left-out={fate?.reason}
      data-scaffold={fate?.isScaffold}
      data-redo={fate?.isRedone}
    >
      {`${key}: ${stateLabel(state)}${world.stale.has(key) ? ", stale" : ""}${place}${why}${isSelected ? ", selected" : ""}${fate ? wordsFor(fate) : ""}`}
    </li>
  );
}

function wordsFor(fate: Fate): string {
  if (fate.reason) return `, left out: ${fate.reason}`;
  const what = fate.isRedone ? "drawn anew" : fate.isScaffold ? "scaffold" : "planned";
  return `, ${what}${fate.wave ? ` in wave ${fate.wave}` : ""}`;
}
