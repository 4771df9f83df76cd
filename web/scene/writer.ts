// The worker that writes frames into the page's file: only a worker may, without asking the browser's other processes.

export type Order =
  | { kind: "open"; mark: string; bytes: number }
  | { kind: "write"; name: string; bytes: Uint8Array<ArrayBuffer>; place: number };
/** The bytes come back to be used again; they are null where none were given, or a worker that broke had them. */
export interface Written { done: boolean; bytes: Uint8Array<ArrayBuffer> | null }

/** What leads a frame in the file: its name, filled up with zeros. */
const HEAD = 64;

/** What the browser's own types of a page leave out. */
interface Handle { write(bytes: Uint8Array<ArrayBuffer>, at: { at: number }): number; truncate(size: number): void }
interface Folder extends FileSystemDirectoryHandle { keys(): AsyncIterable<string> }

let file: Handle;

async function open(mark: string, bytes: number): Promise<void> {
  const folder = (await navigator.storage.getDirectory()) as Folder;
  // What pages before this one left; one that still draws holds on to its own.
  for await (const name of folder.keys()) await folder.removeEntry(name).catch(() => undefined);
  const made = await folder.getFileHandle(mark, { create: true });
  file = await (made as unknown as { createSyncAccessHandle(): Promise<Handle> }).createSyncAccessHandle();
  file.truncate(bytes);
  put(head(mark), 0);
}

function head(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEAD);
  bytes.set(new TextEncoder().encode(name).subarray(0, HEAD));
  return bytes;
}

function put(bytes: Uint8Array<ArrayBuffer>, at: number): void {
  if (file.write(bytes, { at }) !== bytes.length) throw new Error("The disk is full.");
}

onmessage = async ({ data }: MessageEvent<Order>) => {
  const bytes = data.kind === "write" ? data.bytes : null;
  let done = true;
  try {
    if (data.kind === "open") await open(data.mark, data.bytes);
    else {
      put(data.bytes, data.place + HEAD);
      // The name goes last: where it stands, the whole frame stands.
      put(head(data.name), data.place);
    }
  } catch {
    done = false;
  }
  const answer: Written = { done, bytes };
  (postMessage as (message: Written, handedOver: Transferable[]) => void)(answer, bytes ? [bytes.buffer] : []);
};
