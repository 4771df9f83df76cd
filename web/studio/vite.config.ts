import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  build: { outDir: "../dist/studio", emptyOutDir: true, target: "es2022", sourcemap: false },
});
