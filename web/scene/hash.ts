// Randomness that depends on a place in the world and nothing else, so a thing looks the same in every frame.

/** Mixes two integers and a salt into 32 bits (the finaliser of MurmurHash3, Appleby 2011). */
export function hash(x: number, y: number, salt: number): number {
  let h = Math.imul(x | 0, 0x8da6b343) ^ Math.imul(y | 0, 0xd8163841) ^ Math.imul(salt | 0, 0xcb1ab31f);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Mixes a place in metres, taken to whole centimetres, and a salt into 32 bits. */
export function hashPlace(x: number, y: number, salt: number): number {
  return hash(Math.round(x * 100), Math.round(y * 100), salt);
}

/** Draws numbers in [0, 1) one after the other from one seed. */
export class Dice {
  private count = 0;
  constructor(private readonly seed: number) {}

  /** Returns the next number in [0, 1). */
  roll(): number {
    return hash(this.seed, this.count++, 77) / 4294967296;
  }

  /** Returns the next number in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.roll();
  }

  /** Returns true with the given chance. */
  chance(p: number): boolean {
    return this.roll() < p;
  }

  /** Returns one entry of a list. */
  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.roll() * list.length)];
  }
}
