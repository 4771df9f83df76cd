// What the layers and properties of each kind of vector tiles are in the city: one table per schema.
//
// The city's own words are those of Mapbox Streets: areas are "landuse/park", roads "street/residential".

type Properties = Readonly<Record<string, unknown>>;

/** What a feature of a layer is in the city; null when nothing of it is drawn. */
interface Reader {
  building?(p: Properties): { type: string; height: number; base: number } | null;
  area?(p: Properties): string | null;
  road?(p: Properties): { kind: string; structure: string; oneway: boolean } | null;
}

export interface Schema {
  /** The layers that only tiles of this schema have. */
  known: readonly string[];
  /** Its layers in the order in which they are read. */
  layers: Readonly<Record<string, Reader>>;
}

const FLOOR_METRES = 3.2;
const UNKNOWN_METRES = 6; // a building of which nothing is known

const text = (value: unknown): string => (value === undefined || value === null ? "" : String(value));
const yes = (value: unknown): boolean => value === true || value === 1 || ["true", "yes", "1"].includes(text(value));
/** The number that a value starts with ("12", 12, "12.5 m"), or null. */
const number = (value: unknown): number | null => {
  const found = Number.parseFloat(text(value));
  return Number.isFinite(found) ? found : null;
};

/** Height and base of a building by OpenStreetMap's tags: metres where they are given, else storeys. */
export function heightsOf(p: Properties): { height: number; base: number } {
  const levels = number(p["building:levels"]) ?? number(p.levels);
  const under = number(p["building:min_level"]);
  return {
    height: number(p.height) ?? number(p["building:height"]) ?? (levels === null ? UNKNOWN_METRES : Math.max(1, levels) * FLOOR_METRES),
    base: number(p.min_height) ?? (under === null ? 0 : under * FLOOR_METRES),
  };
}

const structure = (bridge: boolean, tunnel: boolean): string => (tunnel ? "tunnel" : bridge ? "bridge" : "none");

/** The city's word for a class of road in OpenStreetMap's words; null for what is not drawn. */
function streetOf(highway: string): string | null {
  const main = highway.replace(/_link$/, "");
  if (main !== highway) return "link";
  switch (main) {
    case "motorway": case "trunk": case "primary": return "primary";
    case "secondary": case "tertiary": case "service": case "track": case "pedestrian": return main;
    case "residential": case "unclassified": case "minor": case "road": case "busway": return "street";
    case "living_street": return "street_limited";
    case "footway": case "path": case "cycleway": case "bridleway": case "corridor": return "path";
    case "steps": return "path/steps";
    default: return null;
  }
}

function railOf(railway: string): string | null {
  return railway === "tram" || railway === "light_rail" ? `minor_rail/${railway}` : null;
}

/** The city's word for an area in OpenStreetMap's words; null for what has no look of its own. */
function groundOf(kind: string): string | null {
  switch (kind) {
    case "wood": case "forest": return "landcover/wood";
    case "grass": case "grassland": case "meadow": case "village_green": case "fell": return "landuse/grass";
    case "park": case "garden": case "dog_park": case "recreation_ground": case "common": case "golf_course": case "nature_reserve": case "national_park": case "cemetery": case "zoo":
      return "landuse/park";
    case "scrub": case "heath": case "wetland": case "farmland": case "orchard": case "farmyard": case "allotments": return "landcover/scrub";
    case "hospital": case "school": case "university": case "college": case "kindergarten": return `landuse/${kind === "university" || kind === "hospital" ? kind : "school"}`;
    case "parking": case "playground": return `landuse/${kind}`;
    case "pitch": case "stadium": case "sports_centre": return kind === "pitch" ? "landuse/pitch" : "landuse/sports_centre";
    case "track": return "landuse/athletics";
    case "bare_rock": case "rock": case "scree": return "landuse/bare_rock";
    case "sand": case "beach": return "landuse/playground";
    case "water": case "ocean": case "lake": case "river": case "basin": case "reservoir": case "swimming_pool": case "dock": case "riverbank": return "water";
    default: return null;
  }
}

const mapboxArea = (layer: string): Reader => ({ area: (p) => `${layer}/${text(p.type ?? p.class)}` });

/** Mapbox Streets, versions 7 and 8, https://docs.mapbox.com/data/tilesets/reference/ */
const mapbox: Schema = {
  known: ["road_label", "poi_label", "place_label", "landuse_overlay", "admin", "motorway_junction", "road"],
  layers: {
    building: {
      building: (p) => (yes(p.underground) || p.type === "roof" ? null : { type: text(p.type), height: number(p.height) ?? UNKNOWN_METRES, base: number(p.min_height) ?? 0 }),
    },
    landcover: mapboxArea("landcover"),
    landuse: mapboxArea("landuse"),
    water: { area: () => "water" },
    road: {
      road: (p) => {
        const kind = text(p.class);
        const main = kind.endsWith("_link") ? "link" : kind === "motorway" || kind === "trunk" || kind === "main" ? "primary" : kind;
        return { kind: `${main}/${text(p.type)}`, structure: text(p.structure) || "none", oneway: yes(p.oneway) };
      },
    },
  },
};

/** OpenMapTiles, https://openmaptiles.org/schema/ */
const openMapTiles: Schema = {
  known: ["transportation", "transportation_name", "landcover", "housenumber", "mountain_peak", "aerodrome_label"],
  layers: {
    building: {
      building: (p) => (yes(p.hide_3d) ? null : { type: "building", height: number(p.render_height) ?? UNKNOWN_METRES, base: number(p.render_min_height) ?? 0 }),
    },
    landcover: { area: (p) => groundOf(text(p.subclass)) ?? groundOf(text(p.class)) },
    landuse: { area: (p) => groundOf(text(p.class)) },
    park: { area: () => "landuse/park" },
    water: { area: (p) => (p.brunnel === "tunnel" ? null : "water") },
    transportation: {
      road: (p) => {
        const [main, type] = [text(p.class), text(p.subclass)];
        const kind = main === "rail" || main === "transit" ? railOf(type) : main === "path" ? streetOf(type) ?? "path" : yes(p.ramp) ? "link" : streetOf(main);
        return kind ? { kind, structure: structure(p.brunnel === "bridge", p.brunnel === "tunnel"), oneway: number(p.oneway) === 1 } : null;
      },
    },
  },
};

const protomapsArea: Reader = { area: (p) => groundOf(text(p.kind ?? p["pmap:kind"])) };

/** The Protomaps basemap, versions 3 and 4, https://docs.protomaps.com/basemaps/layers */
const protomaps: Schema = {
  known: ["buildings", "roads", "earth", "pois", "places", "boundaries"],
  layers: {
    buildings: {
      building: (p) => {
        const kind = text(p.kind ?? p["pmap:kind"]);
        return kind === "address" ? null : { type: kind, height: number(p.height) ?? UNKNOWN_METRES, base: number(p.min_height) ?? 0 };
      },
    },
    landuse: protomapsArea,
    natural: protomapsArea,
    landcover: protomapsArea,
    water: { area: () => "water" },
    roads: {
      road: (p) => {
        const kind = text(p.kind ?? p["pmap:kind"]);
        const type = text(p.kind_detail ?? p["pmap:kind_detail"] ?? p.highway ?? p.railway);
        const rough: Record<string, string> = { highway: "primary", major_road: "secondary", medium_road: "tertiary", minor_road: "street", path: "path" };
        const main = kind === "rail" ? railOf(type) : yes(p.is_link ?? p.link) ? "link" : streetOf(type) ?? rough[kind] ?? null;
        return !main ? null : {
          kind: main, oneway: yes(p.oneway),
          structure: structure(yes(p.is_bridge ?? p.bridge) || number(p["pmap:level"]) === 1, yes(p.is_tunnel ?? p.tunnel) || number(p["pmap:level"]) === -1),
        };
      },
    },
  },
};

/** OpenStreetMap's own tags in one layer, as OSM QA tiles have them. */
const openStreetMap: Schema = {
  known: ["osm"],
  layers: {
    osm: {
      building: (p) => {
        const type = text(p.building);
        if (!type || type === "no" || type === "roof" || p.location === "underground") return null;
        return { type: type === "yes" ? "building" : type, ...heightsOf(p) };
      },
      area: (p) => {
        if (p.natural === "water" || p.waterway === "riverbank") return "water";
        if (yes(p.tunnel)) return null;
        for (const tag of ["leisure", "natural", "landuse", "amenity"]) {
          const kind = groundOf(text(p[tag]));
          if (kind) return kind;
        }
        return null;
      },
      road: (p) => {
        if (yes(p.area)) return null;
        const kind = p.highway === undefined ? railOf(text(p.railway)) : streetOf(text(p.highway));
        return kind ? { kind, structure: structure(yes(p.bridge), yes(p.tunnel)), oneway: yes(p.oneway) } : null;
      },
    },
  },
};

export const SCHEMAS: Readonly<Record<string, Schema>> = {
  "mapbox-streets": mapbox, openmaptiles: openMapTiles, protomaps, openstreetmap: openStreetMap,
};

/** The schema that a tile's layers speak for; null for a tile that has none of any. */
export function schemaOf(layers: readonly string[]): Schema | null {
  let [best, most] = [null as Schema | null, 0];
  for (const schema of Object.values(SCHEMAS)) {
    // A layer that no other schema has counts for more than one that several share.
    const found = layers.filter((name) => schema.known.includes(name)).length * 10 + layers.filter((name) => name in schema.layers).length;
    if (found > most) [best, most] = [schema, found];
  }
  return best;
}
