/** What lies over the map: layers, tools, zoom, coordinates, scale, the key to the signs. */

import { batch } from "@preact/signals";
import type L from "leaflet";
import type { Layer, Pass } from "./api";
import { bootstrap } from "./bootstrap";
import { place } from "./camera";
import { SIZE } from "./geometry";
import { Icon } from "./icons";
import { KEYS } from "./keys";
import { fit, MAX_ZOOM, MIN_ZOOM, zoomBy } from "./map";
import { Popover } from "./popover";
import { centre, extent, hover, layer, layers, pass, tool, zoom } from "./state";
import { capital, latLon, percent } from "./words";

/** How a pass is called, and what it shows. */
const PASS_WORDS: Record<Pass, [string, string]> = {
  depth16: ["Depth", "How far it stands before the ground behind it"],
  normals: ["Normals", "Where each surface faces"],
  object_id: ["Objects", "Every building, tree and car in a colour of its own"],
  class: ["Classes", "Buildings, roads, water, green, ground"],
};

function showLayer(name: Layer): void {
  batch(() => {
    layer.value = name;
    pass.value = null;
  });
}

export function LayerSwitch() {
  return (
    <div class="card layer-switch" role="group" aria-label="Layer" data-over-map>
      {["render", ...layers.value].map((name) => (
        <button
          key={name}
          type="button"
          class="segment"
          aria-pressed={layer.value === name && (name !== "render" || pass.value === null)}
          data-layer-button={name}
          onClick={() => showLayer(name)}
        >
          {capital(name.replaceAll("_", " "))}
        </button>
      ))}
      {layer.value === "render" &&
        bootstrap.passes.map((name) => (
          <button
            key={name}
            type="button"
            class="segment pass"
            aria-pressed={pass.value === name}
            title={`${PASS_WORDS[name][1]} (P)`}
            data-layer-button={name}
            onClick={() => (pass.value = name)}
          >
            {PASS_WORDS[name][0]}
          </button>
        ))}
    </div>
  );
}

export function Tools() {
  return (
    <div class="card tools" role="group" aria-label="Tools" data-over-map>
      {(["select", "move"] as const).map((name) => (
        <button
          key={name}
          type="button"
          class="quiet square"
          aria-pressed={tool.value === name}
          aria-label={name === "select" ? "Select quadrants (S)" : "Move the map (M)"}
          title={name === "select" ? "Select (S)" : "Move (M)"}
          data-tool={name}
          onClick={() => (tool.value = name)}
        >
          <Icon name={name} />
        </button>
      ))}
    </div>
  );
}

/** On a phone a finger moves the map; this makes it select. */
export function PhoneTools({ map }: { map: L.Map }) {
  return (
    <div class="card phone-tools" role="group" aria-label="Tools" data-over-map>
      <button type="button" class="quiet square" aria-label="Show the whole map" onClick={() => showAll(map)}>
        <Icon name="fit" />
      </button>
      <button
        type="button"
        class="quiet square"
        aria-pressed={tool.value === "select"}
        aria-label="Select with one finger"
        data-act="phone-select"
        onClick={() => (tool.value = tool.value === "select" ? "move" : "select")}
      >
        <Icon name="marquee" />
      </button>
    </div>
  );
}

function showAll(map: L.Map): void {
  fit(map, extent.value ?? [-4, -3, 3, 2]);
}

export function Zoom({ map }: { map: L.Map }) {
  return (
    <div class="card zoom" role="group" aria-label="Zoom" data-over-map>
      <button type="button" class="quiet square" aria-label="Zoom out" data-act="zoom-out" disabled={zoom.value <= MIN_ZOOM} onClick={() => zoomBy(map, -1)}>
        <Icon name="minus" />
      </button>
      <span class="percent" aria-live="polite">
        {percent(Math.round(zoom.value))}
      </span>
      <button type="button" class="quiet square" aria-label="Zoom in" data-act="zoom-in" disabled={zoom.value >= MAX_ZOOM} onClick={() => zoomBy(map, 1)}>
        <Icon name="plus" />
      </button>
      <button type="button" class="quiet square" aria-label="Show the whole map" data-act="fit" title="Show the whole map" onClick={() => showAll(map)}>
        <Icon name="fit" />
      </button>
      <Popover name="key" label="Key to the map" above button={<Icon name="key" />}>
        {() => <MapKey />}
      </Popover>
    </div>
  );
}

export function Place() {
  const [cx, cy] = centre.value;
  const pointed = hover.value;
  const [x, y] = pointed ?? [Math.floor(cx), Math.floor(cy)];
  const [latitude, longitude] = pointed ? place(bootstrap.camera, x + 0.5, y + 0.5) : place(bootstrap.camera, cx, cy);
  return (
    <div class="card place" data-over-map>
      <span class="cell-place">
        <i>x</i> {x} <i>y</i> {y}
      </span>
      <span class="lat-lon">{latLon(latitude, longitude)}</span>
      <Scale />
      <span class="attribution">{bootstrap.attribution}</span>
    </div>
  );
}

function Scale() {
  const metresPerPixel = bootstrap.camera.metres_per_pixel / 2 ** zoom.value;
  const most = 84 * metresPerPixel;
  const step = 10 ** Math.floor(Math.log10(most));
  const metres = most / step >= 5 ? 5 * step : most / step >= 2 ? 2 * step : step;
  const text = metres >= 1_000 ? `${metres / 1_000} km` : metres >= 1 ? `${metres} m` : `${Math.round(metres * 100)} cm`;
  return (
    <span class="scale" title={`${SIZE} px quadrants; across the picture`}>
      <svg class="scale-bar" width={Math.round(metres / metresPerPixel)} height="6" aria-hidden="true">
        <path d={`M.5 0v5.5h${Math.round(metres / metresPerPixel) - 1}V0`} fill="none" stroke="currentColor" />
      </svg>
      {text}
    </span>
  );
}

const SIGNS: [string, string][] = [
  ["empty", "Empty"],
  ["rendered", "Rendered, not yet generated"],
  ["pending", "Waiting, with its place in the queue"],
  ["processing", "Being made, with its age"],
  ["failed", "Failed; the reason on hover"],
  ["held", "Held behind one that failed; which on hover"],
  ["stuck", "Cannot go on; the reason on hover"],
  ["stale", "Finished; a neighbour was replaced since"],
  ["selected", "Selected"],
  ["planned", "Planned, with its wave"],
  ["left-out", "Left out of the plan; the reason on hover"],
  ["scaffold", "Drawn beside a plan and dropped"],
  ["redo", "Finished, and drawn anew"],
];

function MapKey() {
  return (
    <div class="map-key">
      <h2>Signs</h2>
      <ul>
        {SIGNS.map(([name, text]) => (
          <li key={name}>
            <span class={`swatch swatch-${name}`} />
            {text}
          </li>
        ))}
      </ul>
      <h2>Keys</h2>
      <dl>
        {KEYS.map(([keys, text]) => (
          <div key={keys}>
            <dt>{keys}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
