// Simple shapes that cast the shadows: a prism per building, a level disc per tree.

import { BufferAttribute, BufferGeometry } from "three";
import earcut from "earcut";
import { flattened, type Ring } from "./city";
import { SUN } from "./light";
import { uploadOnly } from "./mesh";

const EIGHTHS = Array.from({ length: 8 }, (_, i) => [Math.cos((i * Math.PI) / 4), Math.sin((i * Math.PI) / 4)] as const); // of a turn

/** The shadow casters of one chunk. */
export class Shade {
  private readonly positions: number[] = [];
  private readonly indices: number[] = [];
  lift = 0; // metres that all which is added next stands higher

  private vertex(x: number, y: number, z: number): void {
    this.positions.push(x, y, z + this.lift);
  }

  /** Adds a convex face. */
  face(corners: readonly (readonly [number, number, number])[]): void {
    const first = this.positions.length / 3;
    for (const [x, y, z] of corners) this.vertex(x, y, z);
    for (let i = 2; i < corners.length; i++) this.indices.push(first, first + i - 1, first + i);
  }

  /**
   * Adds the top and the sun-facing walls of a building; a ray towards the sun leaves it through one of these. Walls may
   * stand higher than the top, as a parapet does.
   */
  prism(rings: readonly Ring[], z0: number, z1: number, wallTop = z1): void {
    rings.forEach((ring, i) => {
      const turn = i ? -1 : 1; // all rings run counter-clockwise; a hole's outside is its inside
      for (let a = ring.length - 2, b = 0; b < ring.length; a = b, b += 2) {
        const [dx, dy] = [(ring[b] - ring[a]) * turn, (ring[b + 1] - ring[a + 1]) * turn];
        if (dy * SUN[0] - dx * SUN[1] <= 0) continue;
        this.face([[ring[a], ring[a + 1], z0], [ring[b], ring[b + 1], z0], [ring[b], ring[b + 1], wallTop], [ring[a], ring[a + 1], wallTop]]);
      }
    });
    const { flat, holes } = flattened(rings);
    const first = this.positions.length / 3;
    for (let i = 0; i < flat.length; i += 2) this.vertex(flat[i], flat[i + 1], z1);
    for (const corner of earcut(flat, holes)) this.indices.push(first + corner);
  }

  /** Adds a level disc of eight corners. */
  disc(x: number, y: number, z: number, radius: number): void {
    const first = this.positions.length / 3;
    for (const [cosine, sine] of EIGHTHS) this.vertex(x + cosine * radius, y + sine * radius, z);
    for (let i = 2; i < EIGHTHS.length; i++) this.indices.push(first, first + i - 1, first + i);
  }

  /** Hands the casters over, or null when there are none. */
  geometry(): BufferGeometry | null {
    if (!this.indices.length) return null;
    const geometry = new BufferGeometry();
    const position = new BufferAttribute(new Float32Array(this.positions), 3);
    const index = new BufferAttribute(this.positions.length < 65536 * 3 ? new Uint16Array(this.indices) : new Uint32Array(this.indices), 1);
    geometry.setAttribute("position", position);
    geometry.setIndex(index);
    for (const buffer of [position, index]) uploadOnly(buffer);
    return geometry;
  }
}
