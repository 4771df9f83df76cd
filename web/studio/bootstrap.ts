/** What the server put into the page: the world, its models and the default one. Never a key. */

import type { Bootstrap } from "./api";

const EMPTY: Bootstrap = {
  world: "World",
  models: [],
  default_model_id: "",
  camera: { latitude: 0, longitude: 0, azimuth: 0, elevation: -45, metres_per_pixel: 1 },
  attribution: "",
  quadrant_size: 512,
  passes: [],
  layers: ["generation"],
};

function read(): Bootstrap {
  const text = document.getElementById("bootstrap")?.textContent?.trim();
  return text ? { ...EMPTY, ...(JSON.parse(text) as Partial<Bootstrap>) } : EMPTY;
}

export const bootstrap = read();
