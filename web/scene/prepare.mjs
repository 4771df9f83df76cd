// Lays out the sample city: the nine San Francisco vector tiles of @mapbox/mvt-fixtures in a folder of columns and rows.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const fixtures = join(here, "../node_modules/@mapbox/mvt-fixtures");
const tiles = join(fixtures, "real-world/sanfrancisco");
const target = join(here, "../dist/cities/sanfrancisco");

rmSync(target, { recursive: true, force: true });
const names = readdirSync(tiles).filter((name) => name.endsWith(".mvt"));
for (const name of names) {
  const file = join(target, name.replaceAll("-", "/"));
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(join(tiles, name), file);
}
// Every render says which state of its source it was drawn from.
const { version } = JSON.parse(readFileSync(join(fixtures, "package.json"), "utf8"));
writeFileSync(join(target, "version.txt"), `mvt-fixtures ${version}\n`);
console.log(`${target}: ${names.length} tiles`);
