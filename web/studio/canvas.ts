/** A canvas over the map that is drawn in screen pixels and moves with the map while it zooms. */

import L from "leaflet";

/** What a draw function needs to know of the view: screen pixels per quadrant, and where quadrant 0,0 begins. */
export interface Frame {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
  scale: number;
  left: number;
  top: number;
}

type Draw = (frame: Frame) => void;

export class MapCanvas {
  private readonly canvas = document.createElement("canvas");
  private readonly context = this.canvas.getContext("2d")!;
  private drawnAt = { centre: L.latLng(0, 0), zoom: 0 };
  private scheduled = false;

  constructor(
    private readonly map: L.Map,
    pane: string,
    level: number,
    private readonly draw: Draw,
  ) {
    const element = map.createPane(pane);
    element.style.zIndex = String(level);
    element.style.pointerEvents = "none";
    this.canvas.className = "leaflet-zoom-animated";
    this.canvas.setAttribute("aria-hidden", "true");
    element.append(this.canvas);
    map.on("move viewreset resize zoomend", () => this.redraw());
    map.on("zoomanim", (event) => this.stretch(event as L.ZoomAnimEvent));
  }

  /** Draw in the next frame; many calls make one drawing. */
  redrawSoon(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.redraw();
    });
  }

  private redraw(): void {
    const size = this.map.getSize();
    const density = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(size.x * density), Math.round(size.y * density)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.canvas.style.width = `${size.x}px`;
      this.canvas.style.height = `${size.y}px`;
    }
    L.DomUtil.setTransform(this.canvas, this.map.containerPointToLayerPoint([0, 0]), 1);
    this.drawnAt = { centre: this.map.getCenter(), zoom: this.map.getZoom() };
    const origin = this.map.latLngToContainerPoint([0, 0]);
    const step = this.map.latLngToContainerPoint([1, 1]);
    this.context.setTransform(density, 0, 0, density, 0, 0);
    this.context.clearRect(0, 0, size.x, size.y);
    this.draw({
      context: this.context,
      width: size.x,
      height: size.y,
      scale: step.x - origin.x,
      left: origin.x,
      top: origin.y,
    });
  }

  // While the map zooms the drawing is stretched with it, as Leaflet does with its own renderers.
  private stretch(event: L.ZoomAnimEvent): void {
    const { map } = this;
    const scale = map.getZoomScale(event.zoom, this.drawnAt.zoom);
    const half = map.getSize().multiplyBy(0.5);
    const pane = L.DomUtil.getPosition(map.getPane("mapPane")!);
    const origin = map.project(event.center, event.zoom).subtract(half).add(pane).round();
    const corner = map.project(this.drawnAt.centre, event.zoom).subtract(half.multiplyBy(scale)).subtract(origin);
    L.DomUtil.setTransform(this.canvas, corner, scale);
  }
}
