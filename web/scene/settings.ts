// What the site told the page in /settings.js, which runs before this module: services/renderer/settings.py writes it.

/** Angles in degrees; azimuth and elevation as in services/tiling/camera.py. */
export interface CameraSettings { latitude: number; longitude: number; azimuth: number; elevation: number; metres_per_pixel: number }

/**
 * What is drawn; nothing casts shadows from higher than tallest, in metres. Where the ground of footprints is not level,
 * how low and how high it lies at most, in metres over the map's level. Of tile sets also: the height above the
 * ellipsoid where the map's ground lies, in metres, and how many pixels a shape may be off its finest form.
 */
export interface SourceSettings { kind: string; tallest?: number; ground?: number; detail?: number; terrain?: { lowest: number; highest: number } }

declare global {
  interface Window { tilewrightSettings?: { camera: CameraSettings; source: SourceSettings } }
}

function told(): { camera: CameraSettings; source: SourceSettings } {
  if (!window.tilewrightSettings) throw new Error("/settings.js was not loaded, so the page does not know what to draw.");
  return window.tilewrightSettings;
}

export const { camera: cameraSettings, source: sourceSettings } = told();

/** The lowest and the highest ground, in metres over the map's level; null where all of it is level. */
export const TERRAIN = sourceSettings.terrain ?? null;
