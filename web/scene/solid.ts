// Plain faces: roofs, parapets, boxes, ground. One flat colour each, plus a pattern that the shader lays over it.

import earcut from "earcut";
import type { Ring } from "./city";
import { Mesh, pack, packColour, type Layout } from "./mesh";
import { normalCode } from "./material";
import type { Colour } from "./palette";

/** What the shader lays over a plain face's colour. */
export const Pattern = {
  none: 0, gravel: 1, courses: 2, planks: 3, panel: 4, asphalt: 5, pavement: 6, grass: 7, wood: 8, water: 9, soil: 10, stripes: 11, rows: 12, unlit: 13,
} as const;

export const SOLID: Layout = { floats: [["position", 3]], words: ["paint", "tag", "facing"] };

/** How a face looks and what it says in the object plane. */
export interface Finish { colour: Colour; id: number; material: number; pattern?: number }

/** Plain faces of one chunk. */
export class Solid {
  readonly mesh = new Mesh(SOLID);

  /** Adds a flat convex face given as [x, y, z] corners; the normal is given, since the winding is free. */
  face(corners: readonly (readonly [number, number, number])[], normal: readonly [number, number, number], finish: Finish): void {
    const words = this.words(normal, finish);
    const first = corners.map((c) => this.mesh.vertex(c, words))[0];
    for (let i = 2; i < corners.length; i++) this.mesh.triangle(first, first + i - 1, first + i);
  }

  /** Adds a level polygon with holes at height z. */
  level(rings: readonly Ring[], z: number, finish: Finish): void {
    const words = this.words([0, 0, 1], finish);
    const flat: number[] = [];
    const holes: number[] = [];
    rings.forEach((ring, i) => {
      if (i) holes.push(flat.length / 2);
      for (const value of ring) flat.push(value);
    });
    let first = -1;
    for (let i = 0; i < flat.length; i += 2) {
      const vertex = this.mesh.vertex([flat[i], flat[i + 1], z], words);
      if (i === 0) first = vertex;
    }
    const corners = earcut(flat, holes);
    for (let i = 0; i < corners.length; i += 3) this.mesh.triangle(first + corners[i], first + corners[i + 1], first + corners[i + 2]);
  }

  /** Adds the visible sides and the top of an upright box: centre, half sizes along and across its direction (ux, uy), from z0 to z1. */
  box(x: number, y: number, ux: number, uy: number, along: number, across: number, z0: number, z1: number, finish: Finish, top: Finish = finish): void {
    const corner = (a: number, b: number): [number, number] => [x + ux * along * a - uy * across * b, y + uy * along * a + ux * across * b];
    const ring = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)];
    this.face(ring.map(([px, py]) => [px, py, z1] as const), [0, 0, 1], top);
    for (let i = 0; i < 4; i++) {
      const [a, b] = [ring[i], ring[(i + 1) % 4]];
      this.wall(a[0], a[1], b[0], b[1], z0, z1, finish);
    }
  }

  /** Adds an upright face from a to b if it faces the camera; its outside is on the right hand of a to b. */
  wall(ax: number, ay: number, bx: number, by: number, z0: number, z1: number, finish: Finish): void {
    if (bx - ax <= 1e-4) return; // the outward normal (dy, -dx) must point towards the eye
    const length = Math.hypot(bx - ax, by - ay);
    const normal = [(by - ay) / length, -(bx - ax) / length, 0] as const;
    this.face([[ax, ay, z0], [bx, by, z0], [bx, by, z1], [ax, ay, z1]], normal, finish);
  }

  private words(normal: readonly [number, number, number], finish: Finish): [number, number, number] {
    const [nx, ny, nz] = normal;
    const tag = pack(finish.id >> 8, finish.id & 255, finish.material, normalCode(nx, ny, nz));
    return [packColour(finish.colour, finish.pattern ?? 0), tag, pack(nx * 127 + 128, ny * 127 + 128, nz * 127 + 128, 0)];
  }
}
