// What the site told the page in /settings.js, which runs before this module: services/renderer/settings.py writes it.

/** Angles in degrees; azimuth and elevation as in services/tiling/camera.py. */
export interface CameraSettings { latitude: number; longitude: number; azimuth: number; elevation: number; metres_per_pixel: number }

/** What is drawn; nothing is drawn higher than tallest, in metres. */
export interface SourceSettings { kind: string; tallest?: number }

declare global {
  interface Window { tilewrightSettings?: { camera: CameraSettings; source: SourceSettings } }
}

function told(): { camera: CameraSettings; source: SourceSettings } {
  if (!window.tilewrightSettings) throw new Error("/settings.js was not loaded, so the page does not know what to draw.");
  return window.tilewrightSettings;
}

export const { camera: cameraSettings, source: sourceSettings } = told();
