// Where a file of a tile set lies: with us, under /tiles3d/, which the renderer fills from a folder or its server.

import { asked, Missing } from "../source/missing";

const ROOT = "/tiles3d/";

/** The address of a file on our own site; a tile set may name its files from the root of its server. */
export function here(url: string): string {
  const address = new URL(url, location.href);
  if (address.origin === location.origin && !address.pathname.startsWith(ROOT)) address.pathname = ROOT + address.pathname.slice(1);
  return address.href;
}

/** Where the contents that are being read truly lie, by their addresses here. */
const origins = new Map<string, string>();

/** Fetches a file of the tile set; throws Missing. */
export async function fetched(url: string, options?: RequestInit): Promise<Response> {
  const named = new URL(url);
  if (named.origin !== location.origin) throw new Missing({ address: named.origin + named.pathname, reason: "the tile set points to another server, and that is not followed" });
  const { answer, address } = await asked(url, named.pathname.slice(ROOT.length), options);
  origins.set(url, address);
  return answer;
}

/** Where a file that was fetched truly lies; asked once. */
export function originOf(url: string): string {
  const origin = origins.get(url);
  origins.delete(url);
  return origin ?? nameOf(url);
}

/** What a file of the tile set is called by itself. */
export const nameOf = (url: string): string => decodeURIComponent(new URL(url, location.href).pathname.replace(ROOT, ""));
