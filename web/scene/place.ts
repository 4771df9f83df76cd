// Where on the map's ground a place on earth lies, in metres east and south of the map's origin.
//
// The ground is Web Mercator scaled at the origin; services/tiling/camera.py has the same formulas and says why. So a
// vector tile is a square here, its edges run east and south, and neighbouring tiles share them exactly.

import { cameraSettings } from "./settings";

const EARTH = 6_378_137; // metres; the radius of Web Mercator's sphere
const radians = (degrees: number): number => (degrees * Math.PI) / 180;
/** Web Mercator's northing on a sphere of radius 1. */
const stretched = (latitude: number): number => Math.asinh(Math.tan(radians(latitude)));

const { latitude, longitude } = cameraSettings;
const RADIUS = EARTH * Math.cos(radians(latitude));
const NORTH = stretched(latitude);

/** Metres east and south of the origin, the short way round the earth. */
export function toGround(lat: number, lon: number): [east: number, south: number] {
  const turn = lon - longitude;
  return [RADIUS * radians(turn - 360 * Math.floor(turn / 360 + 0.5)), RADIUS * (NORTH - stretched(lat))];
}

/** Latitude and longitude of a ground point. */
export function toPlace(east: number, south: number): [lat: number, lon: number] {
  const lon = longitude + east / RADIUS / radians(1);
  return [(2 * Math.atan(Math.tanh((NORTH - south / RADIUS) / 2))) / radians(1), lon - 360 * Math.floor(lon / 360 + 0.5)];
}

// Tiles of zoom z are the squares of a grid of 2 ** z by 2 ** z over Web Mercator's square world, from its north-west
// corner (OGC 17-083r2, WebMercatorQuad). A fraction of a column or row is a place inside a tile.

/** Metres east and south of a place in the tile grid: of tile (column, row)'s north-west corner if both are whole. */
export function tileToGround(zoom: number, column: number, row: number): [east: number, south: number] {
  const turn = column / 2 ** zoom - 0.5 - longitude / 360;
  return [RADIUS * 2 * Math.PI * (turn - Math.floor(turn + 0.5)), RADIUS * (NORTH - Math.PI + (2 * Math.PI * row) / 2 ** zoom)];
}

/** The place of a ground point in the tile grid; its whole parts are the tile's column and row. */
export function groundToTile(zoom: number, east: number, south: number): [column: number, row: number] {
  const turn = longitude / 360 + 0.5 + east / RADIUS / (2 * Math.PI);
  return [(turn - Math.floor(turn)) * 2 ** zoom, ((Math.PI - NORTH + south / RADIUS) / (2 * Math.PI)) * 2 ** zoom];
}
