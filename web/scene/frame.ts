// Draws rectangles of world pixels.
//
// A rectangle is cut along the grid of blocks, and each piece is drawn with its block's own transform and a scissor.
// So a world pixel always goes through the same arithmetic, whatever rectangle it was asked for in: two frames agree to
// the last bit where they overlap, on any GPU that repeats itself.

import { NearestFilter, OrthographicCamera, RedIntegerFormat, RGBAFormat, Scene, UnsignedByteType, UnsignedIntType, WebGLRenderTarget, type Object3D, type WebGLRenderer } from "three";
import { BEHIND, depthOf, UP } from "./camera";
import type { Box } from "./chunk";
import { BLOCK, turnTo } from "./program";
import type { Scenery } from "./scenery";
import { Shadows } from "./shadow";

/** The message every lost context is reported with. */
export const LOST = "CONTEXT_LOST: the browser took the WebGL context away";

/** Bytes of one pixel in one plane. */
const WORD = 4;
/** Copies that are kept for the next frames: one is read while the next is drawn. */
const KEPT = 2;
/** Milliseconds between two looks whether the GPU is done. */
const POLL = 2;

/** What the GPU drew of one frame, in a buffer of its own. */
interface Copy { buffer: WebGLBuffer; bytes: number }

export class Frames {
  private readonly shadows: Shadows;
  private readonly scene = new Scene();
  private readonly camera = new OrthographicCamera();
  private readonly gl: WebGL2RenderingContext;
  private only: WebGLRenderTarget | null = null; // each block is drawn into it, and copied from it
  private readonly free: Copy[] = []; // of frames that have been read
  private reading: Promise<unknown> = Promise.resolve(); // all frames that the GPU has been told to draw

  constructor(private readonly renderer: WebGLRenderer, private readonly world: Scenery) {
    this.gl = renderer.getContext() as WebGL2RenderingContext;
    this.shadows = new Shadows(renderer);
    this.scene.matrixWorldAutoUpdate = false;
  }

  /**
   * Builds what a rectangle of world pixels shows, as far as it was laid out, and waits until the frames before it have been
   * read: a GPU gives nothing back before it has done all that it was told, so they would wait for this one as well.
   */
  async ready(x: number, y: number, width: number, height: number): Promise<void> {
    for (const [bx, by, box] of pieces(x, y, width, height)) {
      this.world.enter(bx, by);
      for (const chunk of this.world.inPixels(box)) chunk.objects();
    }
    await this.reading;
  }

  /**
   * Draws a rectangle of world pixels into its three planes, one after the other, rows top to bottom. What has been laid
   * out for it may go as soon as this returns: the promise waits for the GPU alone, and other frames may be drawn meanwhile.
   * Throws LOST when the context went away, also if that first showed as another error, and a plain sentence for any other
   * fault of WebGL.
   */
  draw(x: number, y: number, width: number, height: number, planes: Uint8Array): Promise<void> {
    try {
      const copy = this.copyOf(planes.length);
      this.drawBlocks(x, y, width, height, copy);
      const arriving = this.arrive(copy, planes);
      this.reading = Promise.allSettled([this.reading, arriving]);
      return arriving;
    } catch (error) {
      throw this.gl.isContextLost() ? new Error(LOST) : error;
    }
  }

  private complain(): void {
    const fault = this.gl.getError();
    if (fault && fault !== this.gl.CONTEXT_LOST_WEBGL) throw new Error(`WebGL failed with error ${fault} while the frame was drawn.`);
    if (this.gl.isContextLost()) throw new Error(LOST);
  }

  private drawBlocks(x: number, y: number, width: number, height: number, copy: Copy): void {
    for (const [bx, by, box] of pieces(x, y, width, height)) {
      this.drawPiece(bx, by, box, this.target());
      for (let plane = 0; plane < 3; plane++) {
        const at = ((plane * height + box[1] - y) * width + box[0] - x) * WORD;
        this.copy(plane, box[0] - bx * BLOCK, box[1] - by * BLOCK, box[2] - box[0], box[3] - box[1], copy, at, width);
      }
    }
    this.world.trim();
  }

  private drawPiece(bx: number, by: number, box: Box, target: WebGLRenderTarget): void {
    this.world.enter(bx, by);
    this.shadows.use(bx, by, this.world.shaded, (ground) => this.world.inShadow(ground));
    // Depths of everything in the block, from the highest roof at its lower edge to the lowest ground at its upper edge,
    // some metres spare.
    const [lowest, highest] = this.world.heights;
    const far = (-by * BLOCK) / UP, near = (-(by + 1) * BLOCK) / UP;
    const d0 = Math.floor(depthOf(near - highest * BEHIND, highest)) - 8, d1 = Math.ceil(depthOf(far - lowest * BEHIND, lowest)) + 8;
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

  private target(): WebGLRenderTarget {
    if (!this.only) {
      this.only = new WebGLRenderTarget(BLOCK, BLOCK, {
        count: 3, format: RGBAFormat, type: UnsignedByteType, minFilter: NearestFilter, magFilter: NearestFilter,
        generateMipmaps: false, depthBuffer: true, stencilBuffer: false,
      });
      // Whole words: a software renderer then need not turn bytes into fractions and back.
      for (const words of this.only.textures.slice(1)) [words.format, words.type, words.internalFormat] = [RedIntegerFormat, UnsignedIntType, "R32UI"];
      this.only.scissorTest = true;
    }
    return this.only;
  }

  /** Has the GPU copy a part of the bound target into a frame's copy, when it has drawn it. */
  private copy(plane: number, x: number, y: number, width: number, height: number, copy: Copy, at: number, rowLength: number): void {
    const { gl } = this;
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, copy.buffer);
    gl.pixelStorei(gl.PACK_ROW_LENGTH, rowLength);
    gl.readBuffer(gl.COLOR_ATTACHMENT0 + plane);
    // All planes but the colour are whole words.
    gl.readPixels(x, y, width, height, plane ? gl.RED_INTEGER : gl.RGBA, plane ? gl.UNSIGNED_INT : gl.UNSIGNED_BYTE, at);
    gl.pixelStorei(gl.PACK_ROW_LENGTH, 0);
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
  }

  private copyOf(bytes: number): Copy {
    const found = this.free.findIndex((copy) => copy.bytes === bytes);
    if (found >= 0) return this.free.splice(found, 1)[0];
    const { gl } = this;
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
    gl.bufferData(gl.PIXEL_PACK_BUFFER, bytes, gl.STREAM_READ);
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    return { buffer, bytes };
  }

  /** Waits until the GPU has drawn and copied, and fetches it. */
  private async arrive(copy: Copy, into: Uint8Array): Promise<void> {
    const { gl } = this;
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0)!;
    gl.flush();
    // A fence's state is only told between two tasks, so there is nothing to wait with but a timer.
    while (!gl.isContextLost() && gl.clientWaitSync(fence, 0, 0) === gl.TIMEOUT_EXPIRED) await new Promise((resolve) => setTimeout(resolve, POLL));
    gl.deleteSync(fence);
    // On a lost context a read leaves the bytes as they were, with the picture before in them: look before and after, and
    // at the last pixel of the opaque planes, since the loss is sometimes told only after the read came back empty.
    const [colour, depth] = [into.length / 3 - 1, into.length - 1];
    into[colour] = into[depth] = 0;
    if (gl.isContextLost()) throw new Error(LOST);
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, copy.buffer);
    gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, into);
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    this.complain();
    if (into[colour] !== 255 || into[depth] !== 255) throw new Error(LOST);
    if (this.free.length < KEPT && !this.free.some(({ bytes }) => bytes !== copy.bytes)) this.free.push(copy);
    else gl.deleteBuffer(copy.buffer);
  }
}

/** A rectangle of world pixels, cut along the grid of blocks. */
function* pieces(x: number, y: number, width: number, height: number): Generator<[bx: number, by: number, box: Box]> {
  for (let by = Math.floor(y / BLOCK); by * BLOCK < y + height; by++) {
    for (let bx = Math.floor(x / BLOCK); bx * BLOCK < x + width; bx++) {
      yield [bx, by, [Math.max(x, bx * BLOCK), Math.max(y, by * BLOCK), Math.min(x + width, (bx + 1) * BLOCK), Math.min(y + height, (by + 1) * BLOCK)]];
    }
  }
}
