// Reads glTF, also packed with Draco and meshopt; the decoders come with the page, never from anywhere else.

import { LoadingManager } from "three";
import { DRACOLoader } from "three/examples/jsm/loaders/DRACOLoader.js";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";
import { MeshoptDecoder } from "three/examples/jsm/libs/meshopt_decoder.module.js";
import { here } from "./address";

const draco = new DRACOLoader(); // its decoder lies beside it, which is in our own bundle
draco.setWorkerLimit(1); // the others of two processors draw

/** A manager whose glTF reader has its decoders; failed hears every file of the model that could not be loaded. */
export function reading(failed: (url: string) => void): LoadingManager {
  const manager = new LoadingManager(undefined, undefined, failed);
  manager.setURLModifier((url) => (url.startsWith("blob:") || url.startsWith("data:") ? url : here(url)));
  const reader = new GLTFLoader(manager).setDRACOLoader(draco).setMeshoptDecoder(MeshoptDecoder);
  manager.addHandler(/\.gl(tf|b)$/, reader);
  return manager;
}

/** Raised for a model that can be read and not be drawn; says why in a clause. */
export class Unfit extends Error {}

/** Why a model cannot be had from its file, in a clause. */
export function inWords(error: unknown): string {
  if (error instanceof Unfit) return error.message;
  const said = (error instanceof Error ? error.message : String(error)).replace(/^(THREE\.)?\w*(Loader|Renderer)\w*: /, "");
  if (/KTX2|basisu/i.test(said)) return "its textures are in KTX2 (Basis Universal), which is not read here; store them as JPEG, PNG or WebP";
  return `it cannot be read: ${said.replace(/\.$/, "")}`;
}
