/** The page's icons: 16 px, drawn with the text's colour. */

const PATHS = {
  layers: "M8 2 2 5l6 3 6-3-6-3ZM2 8l6 3 6-3M2 11l6 3 6-3",
  chevron: "m4 6 4 4 4-4",
  select: "M4 2.5v10l2.6-2.4 1.7 3.6 1.6-.8-1.7-3.5h3.6L4 2.5Z",
  move: "M8 2v12M2 8h12M8 2 6.2 3.8M8 2l1.8 1.8M8 14l-1.8-1.8M8 14l1.8-1.8M2 8l1.8-1.8M2 8l1.8 1.8M14 8l-1.8-1.8M14 8l-1.8 1.8",
  render: "M8 1.8 2.6 4.9v6.2L8 14.2l5.4-3.1V4.9L8 1.8ZM2.6 4.9 8 8l5.4-3.1M8 8v6.2",
  generate: "M13.5 2.5 7 9M5.5 9.5c-2 0-2 2.5-3.5 3.5 2 1 5.5.5 5.5-1.7L5.5 9.5ZM7 9l1.2 1.2 5.3-7.7",
  fill: "M2.5 2.5h11v11h-11zM2.5 9.5h7v-7M9.5 9.5v4",
  pause: "M5.5 3v10M10.5 3v10",
  play: "M5 3v10l8-5-8-5Z",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3",
  close: "m4 4 8 8M12 4l-8 8",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6ZM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5Z",
  prompt: "M2.5 4h11M2.5 8h11M2.5 12h6",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  failed: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM8 4.8v3.8M8 11h.01",
  refused: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM3.7 12.3l8.6-8.6",
  check: "m3 8.5 3.2 3L13 4.5",
  held: "M2 8h7.5M6.5 5l3 3-3 3M13 3v10",
  replan: "M2.5 2.5h4v4h-4zM9.5 9.5h4v4h-4zM9 4.5h3v3M10.3 6.2 12 7.9l1.7-1.7M4.5 9v4h3M6 11.5l1.7 1.5L6 14.5",
  waiting: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Z",
  spinner: "M8 2.5a5.5 5.5 0 1 1-5.5 5.5",
  warning: "M8 2 1.5 13.5h13L8 2ZM8 6.5v3.2M8 11.6h.01",
  key: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM6 6.2a2 2 0 1 1 2.6 2c-.4.2-.6.5-.6.9M8 11.4h.01",
  front: "M3 3h10M8 14V6M4.5 9.5 8 6l3.5 3.5",
  back: "M3 13h10M8 2v8M4.5 6.5 8 10l3.5-3.5",
  before: "M2.5 5h6M2.5 11h11M11 8V2.5M8.8 4.7 11 2.5l2.2 2.2",
  edit: "M3 13l.6-2.8L10.8 3 13 5.2 5.8 12.4 3 13ZM9.3 4.5l2.2 2.2",
  filter: "M2.5 3.5h11L9.5 8.3v4.2l-3-1.5V8.3l-4-4.8Z",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.3 10.3l3.2 3.2",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 4.8V8l2.2 1.6",
  undo: "M6 3.5 3 6.5l3 3M3 6.5h6a4 4 0 0 1 0 8H7.5",
  compare: "M8 2v12M2.5 4h3.5v8H2.5zM10 4h3.5v8H10z",
  download: "M8 2.5v8M4.8 7.3 8 10.5l3.2-3.2M3 13.5h10",
  upload: "M8 10.5v-8M4.8 5.7 8 2.5l3.2 3.2M3 13.5h10",
  late: "M2.5 9.5 4.5 3h7l2 6.5v3.5h-11V9.5ZM2.5 9.5h3.2c.3 1.4 1.2 2 2.3 2s2-.6 2.3-2h3.2",
  bin: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 9h5.8l.6-9",
  marquee: "M2.5 5V2.5H5M7 2.5h2M11 2.5h2.5V5M13.5 7v2M13.5 11v2.5H11M9 13.5H7M5 13.5H2.5V11M2.5 9V7",
} as const;

export type IconName = keyof typeof PATHS;

const FILLED: ReadonlySet<string> = new Set(["play"]);

export function Icon({ name, size = 16, className = "" }: { name: IconName; size?: number; className?: string }) {
  const dashed = name === "waiting" ? { "stroke-dasharray": "2.4 2.3" } : {};
  const weight = name === "more" ? 2.4 : 1.5;
  return (
    <svg
      class={`icon icon-${name} ${className}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill={FILLED.has(name) ? "currentColor" : "none"}
      stroke="currentColor"
      stroke-width={weight}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} {...dashed} />
    </svg>
  );
}

/** Status shapes: disc well, triangle limited, hollow square off, ring idle. */
export function Dot({ shape }: { shape: "well" | "limited" | "off" | "idle" }) {
  return <span class={`dot dot-${shape}`} aria-hidden="true" />;
}
