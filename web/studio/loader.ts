/** Pictures are asked for a few at a time, so that questions and events never wait behind them. */

/** A browser opens six connections to one server: one listens, one stays free for what a person asks. */
const AT_ONCE = 4;

export interface Order {
  address: string;
  /** What is smaller comes sooner. */
  rank: () => number;
  arrived: (picture: HTMLImageElement) => void;
  failed: () => void;
}

const waiting = new Set<Order>();
let running = 0;

/** Ask for a picture; the answer calls it off as long as it has not been sent. */
export function order(wanted: Order): () => void {
  waiting.add(wanted);
  // The others of this moment first get their place in the line.
  queueMicrotask(next);
  return () => waiting.delete(wanted);
}

function next(): void {
  while (running < AT_ONCE && waiting.size > 0) {
    let first: Order | null = null;
    let least = Infinity;
    for (const one of waiting) {
      const rank = one.rank();
      if (first === null || rank < least) [first, least] = [one, rank];
    }
    waiting.delete(first!);
    load(first!);
  }
}

function load(wanted: Order): void {
  running += 1;
  const picture = new Image();
  picture.alt = "";
  picture.decoding = "async";
  const done = (tell: () => void): void => {
    running -= 1;
    tell();
    next();
  };
  picture.onload = () => done(() => wanted.arrived(picture));
  picture.onerror = () => done(wanted.failed);
  picture.src = wanted.address;
}
