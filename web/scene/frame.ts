// Draws rectangles of world pixels.
//
// A rectangle is cut along the grid of blocks, and each piece is drawn with its block's own transform and a scissor.
// So a world pixel always goes through the same arithmetic, whatever rectangle it was asked for in: two frames agree to
// the last bit where they overlap, on any GPU that repeats itself.

import { NearestFilter, OrthographicCamera, RedIntegerFormat, RGBAFormat, Scene, UnsignedByteType, UnsignedIntType, WebGLRenderTarget, type Object3D, type WebGLRenderer } from "three";
import { BEHIND, depthOf, UP } from "./camera";
import type { Box } from "./chunk";
import { BLOCK, turnTo } from "./program";
import { HIGHEST, Shadows } from "./shadow";
import type { World } from "./world";

/** The message every lost context is reported with. */
export const LOST = "CONTEXT_LOST: the browser took the WebGL context away";

export class Frames {
  private readonly shadows: Shadows;
  private readonly scene = new Scene();
  private readonly camera = new OrthographicCamera();
  private readonly gl: WebGL2RenderingContext;
  private readonly targets: WebGLRenderTarget[] = []; // one for each block that a rectangle lies in
  private readonly piece = new Uint8Array(BLOCK * BLOCK * 4);

  constructor(private readonly renderer: WebGLRenderer, private readonly world: World) {
    this.gl = renderer.getContext() as WebGL2RenderingContext;
    this.shadows = new Shadows(renderer);
    this.scene.matrixWorldAutoUpdate = false;
  }

  /**
   * Draws a rectangle of world pixels into its three planes, one after the other, rows top to bottom. Throws LOST when the
   * context went away, also if that first showed as another error, and a plain sentence for any other fault of WebGL.
   */
  draw(x: number, y: number, width: number, height: number, planes: Uint8Array): void {
    try {
      this.drawBlocks(x, y, width, height, planes);
      const fault = this.gl.getError();
      if (fault && fault !== this.gl.CONTEXT_LOST_WEBGL) throw new Error(`WebGL failed with error ${fault} while the frame was drawn.`);
      if (this.gl.isContextLost()) throw new Error(LOST);
    } catch (error) {
      throw this.gl.isContextLost() ? new Error(LOST) : error;
    }
  }

  private drawBlocks(x: number, y: number, width: number, height: number, planes: Uint8Array): void {
    // All blocks are handed to the GPU before any is read, so that it draws while the next block's city is built.
    const pieces: [bx: number, by: number, box: Box][] = [];
    for (let by = Math.floor(y / BLOCK); by * BLOCK < y + height; by++) {
      for (let bx = Math.floor(x / BLOCK); bx * BLOCK < x + width; bx++) {
        const box: Box = [Math.max(x, bx * BLOCK), Math.max(y, by * BLOCK), Math.min(x + width, (bx + 1) * BLOCK), Math.min(y + height, (by + 1) * BLOCK)];
        this.drawPiece(bx, by, box, this.target(pieces.length));
        pieces.push([bx, by, box]);
      }
    }
    pieces.forEach(([bx, by, [x0, y0, x1, y1]], i) => {
      for (let plane = 0; plane < 3; plane++) {
        const row = (x1 - x0) * 4, start = ((plane * height + y0 - y) * width + x0 - x) * 4;
        // Rows as wide as the rectangle, as those of every canonical frame, are read to where they belong.
        const into = x1 - x0 === width ? planes.subarray(start, start + row * (y1 - y0)) : this.piece;
        this.read(this.targets[i], plane, x0 - bx * BLOCK, y0 - by * BLOCK, x1 - x0, y1 - y0, into);
        if (into !== this.piece) continue;
        for (let line = y0; line < y1; line++) {
          const from = (line - y0) * row;
          planes.set(this.piece.subarray(from, from + row), ((plane * height + line - y) * width + x0 - x) * 4);
        }
      }
    });
    this.world.trim();
  }

  private drawPiece(bx: number, by: number, box: Box, target: WebGLRenderTarget): void {
    this.world.enter(bx, by);
    this.shadows.use(bx, by, (ground) => this.world.inShadow(ground));
    // Depths of everything in the block, from the highest roof at its lower edge to the ground at its upper edge, some
    // metres spare.
    const far = (-by * BLOCK) / UP, near = (-(by + 1) * BLOCK) / UP;
    const d0 = Math.floor(depthOf(near - HIGHEST * BEHIND, HIGHEST)) - 8, d1 = Math.ceil(depthOf(far, 0)) + 8;
    turnTo(bx, by, d0, d1);
    const objects: Object3D[] = [...this.world.everywhere()];
    for (const chunk of this.world.inPixels(box)) objects.push(...chunk.objects());
    this.scene.children = objects.sort((a, b) => a.renderOrder - b.renderOrder);
    target.scissor.set(box[0] - bx * BLOCK, box[1] - by * BLOCK, box[2] - box[0], box[3] - box[1]);
    this.renderer.setRenderTarget(target);
    this.clear();
    this.renderer.render(this.scene, this.camera);
    this.scene.children = [];
  }

  /** Clears the bound target; what is left empty has no object and no depth. */
  private clear(): void {
    this.gl.clearBufferfv(this.gl.COLOR, 0, [0, 0, 0, 0]);
    for (const words of [1, 2]) this.gl.clearBufferuiv(this.gl.COLOR, words, [0, 0, 0, 0]);
    this.gl.clearBufferfv(this.gl.DEPTH, 0, [1]);
  }

  private target(i: number): WebGLRenderTarget {
    if (!this.targets[i]) {
      this.targets[i] = new WebGLRenderTarget(BLOCK, BLOCK, {
        count: 3, format: RGBAFormat, type: UnsignedByteType, minFilter: NearestFilter, magFilter: NearestFilter,
        generateMipmaps: false, depthBuffer: true, stencilBuffer: false,
      });
      // Whole words: a software renderer then need not turn bytes into fractions and back.
      for (const words of this.targets[i].textures.slice(1)) [words.format, words.type, words.internalFormat] = [RedIntegerFormat, UnsignedIntType, "R32UI"];
      this.targets[i].scissorTest = true;
    }
    return this.targets[i];
  }

  private read(target: WebGLRenderTarget, plane: number, x: number, y: number, width: number, height: number, into: Uint8Array): void {
    // On a lost context a read leaves the buffer as it was, with the picture before in it: look before and after, and
    // at an opaque plane's last pixel, since the loss is sometimes told only after the read came back empty.
    const last = width * height * 4 - 1;
    into[last] = 0;
    if (this.gl.isContextLost()) throw new Error(LOST);
    // All planes but the colour are whole words.
    const pixels = plane ? new Uint32Array(into.buffer, into.byteOffset, width * height) : into;
    this.renderer.readRenderTargetPixels(target, x, y, width, height, pixels, undefined, plane);
    if (this.gl.isContextLost() || (plane !== 1 && into[last] !== 255)) throw new Error(LOST);
  }
}
