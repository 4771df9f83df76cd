// How frames leave the page.
//
// The renderer runs on the same machine. Where it finds the file that the page keeps in its private file system, a frame
// is one write into the system's memory and one read out of it: a tenth of what its way through two of the browser's
// processes and a socket costs. Where it does not, or the write fails, the frame is posted.

import type { Order, Written } from "./writer";

const KEPT = 2; // buffers: while one is written, the next frame is read into another

export class Outbox {
  private readonly free: Uint8Array<ArrayBuffer>[] = [];
  private readonly waiting: ((written: Written) => void)[] = []; // the writer answers in the order in which it was asked
  private writer: Worker | null = null;

  /** Keeps a file of so many bytes that begins with a mark; whether it could. */
  async open(mark: string, bytes: number): Promise<boolean> {
    const writer = new Worker(new URL("./writer.ts", import.meta.url), { type: "module" });
    writer.onmessage = ({ data }: MessageEvent<Written>) => this.waiting.shift()?.(data);
    writer.onerror = () => {
      if (this.writer === writer) this.writer = null;
      for (const answer of this.waiting.splice(0)) answer({ done: false, bytes: null });
    };
    const { done } = await this.ask(writer, { kind: "open", mark, bytes });
    if (done) this.writer = writer;
    else writer.terminate();
    return done;
  }

  /** A buffer of so many bytes, with anything in it. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const found = this.free.findIndex((bytes) => bytes.length === length);
    return found < 0 ? new Uint8Array(length) : this.free.splice(found, 1)[0];
  }

  /** Hands over a frame, at its place in the file or else at its address; it has arrived when this returns. */
  async send(name: string, bytes: Uint8Array<ArrayBuffer>, place: number | null, address: string): Promise<void> {
    if (place !== null && this.writer) {
      const written = await this.ask(this.writer, { kind: "write", name, bytes, place }, [bytes.buffer]);
      if (written.done) return this.giveBack(written.bytes!);
      if (!written.bytes) throw new Error(`The frame ${name} was lost with the worker that was to write it.`);
      bytes = written.bytes;
    }
    // Wrapped in a Blob: an ArrayBuffer of this size takes ten times as long to post.
    const answer = await fetch(address, { method: "POST", body: new Blob([bytes]) });
    if (!answer.ok) throw new Error(`The frame ${name} was not taken: ${address} answered ${answer.status}.`);
    this.giveBack(bytes);
  }

  private ask(writer: Worker, order: Order, handedOver: Transferable[] = []): Promise<Written> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      writer.postMessage(order, handedOver);
    });
  }

  /** Lets a buffer be taken again. */
  giveBack(bytes: Uint8Array<ArrayBuffer>): void {
    // Nearly all frames are of one length; another one is not worth its memory.
    if (this.free.some(({ length }) => length !== bytes.length)) this.free.length = 0;
    if (this.free.length < KEPT) this.free.push(bytes);
  }
}
