// From the earth's own axes (ECEF, metres from its middle, as 3D Tiles have them) to view ground metres and back.
//
// Every point is taken to its latitude, longitude and height and then to the map's ground, as any other place on earth
// is (place.ts). One plane laid to the earth at the origin would be 2 m off in 5 km, and 785 m in 100 km.

import { WGS84_ELLIPSOID } from "3d-tiles-renderer/three";
import { MathUtils, Matrix4, Vector3 } from "three";
import { BEHIND, fromView, METRES_PER_PIXEL, toView, UP } from "../camera";
import { toGround, toPlace } from "../place";
import { SHEAR } from "../light";
import { BLOCK } from "../program";
import { cameraSettings, sourceSettings } from "../settings";

/** Metres above the ellipsoid where the map's height 0 lies. */
const GROUND = sourceSettings.ground ?? 0;

const cartographic = { lat: 0, lon: 0, height: 0 };

/** Turns a point of the earth into view ground metres. */
export function toScene(point: Vector3): [x: number, y: number, z: number] {
  WGS84_ELLIPSOID.getPositionToCartographic(point, cartographic);
  const { lat, lon, height } = cartographic;
  return [...toView(...toGround(lat * MathUtils.RAD2DEG, lon * MathUtils.RAD2DEG)), height - GROUND];
}

/** An upright view of the earth along the look of the camera, as wide as a block and what may cast its shadow there. */
export interface Sight { eye: Matrix4; left: number; right: number; bottom: number; top: number; deep: number }

const SPARE = 16; // metres around a block: boxes around tiles are not always honest
const DEEP = 12_000; // metres above and below; more than any mountain

/** What of the earth is seen in block (bx, by), and whatever casts its shadow there from up to so many metres above it. */
export function sightOf(bx: number, by: number, casters: number): Sight {
  const [east, south] = fromView((bx + 0.5) * BLOCK * METRES_PER_PIXEL, (-(by + 0.5) * BLOCK) / UP);
  const [lat, lon] = toPlace(east, south);
  // A metre of the map's ground here, in metres of the earth.
  const metre = Math.cos(lat * MathUtils.DEG2RAD) / Math.cos(cameraSettings.latitude * MathUtils.DEG2RAD);
  const [ex, sx] = fromView(1, 0), [ey, sy] = fromView(0, 1);
  const right = new Vector3(ex, -sx, 0), away = new Vector3(ey, -sy, 0), look = new Vector3(0, 0, -1).addScaledVector(away, BEHIND * metre).normalize();
  const eye = new Matrix4();
  WGS84_ELLIPSOID.getEastNorthUpFrame(lat * MathUtils.DEG2RAD, lon * MathUtils.DEG2RAD, GROUND, eye);
  eye.multiply(new Matrix4().makeBasis(right, new Vector3().crossVectors(right, look), look.clone().negate()));
  const upright = metre * -look.z;
  const [x, y] = [(BLOCK / 2) * METRES_PER_PIXEL * metre, (BLOCK / 2 / UP) * upright];
  // A caster of height h stands SHEAR * h before the shadow's place, and shows BEHIND * h higher up.
  const lean = (BEHIND - SHEAR[1]) * casters * upright;
  return {
    eye, deep: DEEP / -look.z, left: -x - SPARE - SHEAR[0] * casters * metre, right: x + SPARE,
    bottom: -y - SPARE + Math.min(0, lean), top: y + SPARE + Math.max(0, lean),
  };
}
