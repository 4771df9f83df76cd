/** Dark or light: as the system has it, or as chosen for this page and then kept in its address. */

import { computed, effect, signal } from "@preact/signals";

type Theme = "dark" | "light";

const system = matchMedia("(prefers-color-scheme: light)");
const ofSystem = signal<Theme>(system.matches ? "light" : "dark");
const chosen = signal<Theme | null>(fromAddress());
export const theme = computed<Theme>(() => chosen.value ?? ofSystem.value);

system.addEventListener("change", () => (ofSystem.value = system.matches ? "light" : "dark"));

function fromAddress(): Theme | null {
  const parts = location.hash.split("/");
  return parts.includes("light") ? "light" : parts.includes("dark") ? "dark" : null;
}

export const themeInAddress = (): Theme | null => chosen.value;

export function toggleTheme(): void {
  const other = theme.value === "dark" ? "light" : "dark";
  chosen.value = other === ofSystem.value ? null : other;
}

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});

/** A colour of the present theme, for what is drawn on a canvas. */
export function colours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    grid: read("grid"),
    line: read("line-2"),
    text: read("tx-1"),
    accent: read("accent"),
    pending: read("pending"),
    processing: read("processing"),
    failed: read("failed"),
    stale: read("stale"),
    tag: read("tag"),
    veil: read("veil"),
    ink: read("bg-0"),
  };
}

export interface Colours {
  grid: string;
  line: string;
  text: string;
  accent: string;
  pending: string;
  processing: string;
  failed: string;
  stale: string;
  tag: string;
  veil: string;
  ink: string;
}
