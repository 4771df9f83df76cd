// A tile of footprints, as services/renderer/sources/footprints.py cuts them out of a GeoJSON file.

import { counterClockwise, round, turn, type Features } from "../city";
import { toGround } from "../place";
import { heightsOf } from "./schema";

interface Footprint { properties: Record<string, unknown>; rings: [number, number][][] }

/** The buildings of a tile of footprints: whole ones, not cut at its borders. */
export function readFootprints(content: ArrayBuffer): Features {
  const { footprints } = JSON.parse(new TextDecoder().decode(content)) as { footprints: Footprint[] };
  return {
    areas: [], roads: [],
    buildings: footprints.map(({ properties, rings }) => ({
      type: typeof properties.building === "string" && properties.building !== "yes" ? properties.building : "building",
      ...heightsOf(properties),
      rings: rings.map((ring) => counterClockwise(turn(ring.flatMap(([lon, lat]) => toGround(lat, lon).map(round))))),
    })),
  };
}
