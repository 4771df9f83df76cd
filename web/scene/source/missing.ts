// What could not be had of a source, and why.

/** Something that could not be loaded, and why; the address has no key in it. */
export interface Failure { address: string; reason: string }

/** Thrown for a tile or a file that cannot be had. */
export class Missing extends Error {
  constructor(readonly failure: Failure) {
    super(failure.reason);
  }
}

/** An answer of our own site, and the address that it truly has, by its name where it does not say; throws Missing. */
export async function asked(url: string, name: string, options?: RequestInit): Promise<{ answer: Response; address: string }> {
  const answer = await fetch(url, options);
  const address = decodeURIComponent(answer.headers.get("Tile-Address") ?? name);
  if (!answer.ok) throw new Missing({ address, reason: (await answer.text()).slice(0, 500) });
  return { answer, address };
}
