/** How the page says things: fact, effect, way out; digits, not adjectives. */

import type { Estimate, Job, JobKind, Plan, Planned } from "./api";
import { bounding, height, width, type Cell, type Rect } from "./geometry";

export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

/** 0:42, 12:07, 1:03:20. */
export function age(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number): string => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3_600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** What is left of a wait: 42 s, 1:35 min, 1:03:20 h. */
export function countdown(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${age(whole)} ${whole < 3_600 ? "min" : "h"}`;
}

/** 40 s, 51 min, 4 h 40 min. */
export function span(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

/** 4 to 7 min; 40 s to 2 min; 3 min, where both ends are the same. */
export function between(least: number, most: number): string {
  const [from, to] = [span(least), span(most)];
  if (from === to) return to;
  const [number, unit, ...rest] = from.split(" ");
  const isShort = rest.length === 0 && to.endsWith(` ${unit}`) && to.split(" ").length === 2;
  return `${isShort ? number : from} to ${to}`;
}

/** 0.98, 1,250, 0.0042: no currency, for none is known. */
export function price(cost: number): string {
  if (cost > 0 && cost < 0.1) return String(Number(cost.toPrecision(2)));
  const digits = cost < 1_000 ? 2 : 0;
  return cost.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** How long the model calls take, as far as it is known. */
export function duration(estimate: Estimate): string {
  const { seconds_p50: usual, seconds_p90: long } = estimate;
  if (usual === null) return "";
  return `about ${between(usual, long ?? usual)}`;
}

export function clock(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString("en-GB");
}

export function moment(seconds: number): string {
  const date = new Date(seconds * 1_000);
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === new Date().toDateString()) return `today ${time}`;
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time}`;
}

/** 12.5 %, 25 %, 400 %. */
export const percent = (zoom: number): string => `${Number((2 ** zoom * 100).toPrecision(3))} %`;

/** 51.12702, 71.43118; five digits are about one metre. */
export const latLon = (latitude: number, longitude: number): string => `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;

type Titled = { kind: JobKind; quadrants: Cell[]; padding?: Cell[]; scaffold?: Cell[] };

/** Island 41,18, 2 × 2; Render 44,18. */
export function title(job: Titled): string {
  if (job.kind === "palette") return "Palette of the map";
  // By what stays of it: what else the model draws is not known everywhere, and the name must not change.
  const all = job.quadrants.length ? job.quadrants : [...(job.scaffold ?? []), ...(job.padding ?? [])];
  const rect = bounding(all);
  if (!rect) return job.kind === "render" ? "Render" : "Generate";
  const place = `${rect[0]},${rect[1]}`;
  const size = sizeOf(rect);
  if (job.kind === "render") return `Render ${place}${size === "1 × 1" ? "" : `, ${size}`}`;
  const shape = all.length >= 4 ? "Island" : all.length === 2 ? "Strip" : "Single";
  return `${shape} ${place}${size === "1 × 1" ? "" : `, ${size}`}`;
}

export const sizeOf = (rect: Rect): string => `${width(rect)} × ${height(rect)}`;

/** The plan's name; one without a name is called after what made it and when. */
export function planName(plan: Plan): string {
  if (plan.name) return plan.name;
  const made = /^(fill|render|generate|replan)-[0-9a-f]{16,}/.exec(plan.plan)?.[1];
  return made ? `${made === "replan" ? "Fill" : `${made[0]!.toUpperCase()}${made.slice(1)}`}, ${moment(plan.created_at)}` : plan.plan;
}

/** 9 model calls in 3 waves fill 25 quadrants; 4 renders come first. */
export function planned(plan: Planned): string {
  const { calls, quadrants, waves } = plan.estimate;
  const renders = plan.renders ? ` ${count(plan.renders, "render")} ${plan.renders === 1 ? "comes" : "come"} first.` : "";
  return `${count(calls, "model call")} in ${count(waves, "wave")} ${calls === 1 ? "fills" : "fill"} ${count(quadrants, "quadrant")}.${renders}`;
}

/** 3,4, 5,6 and 2 more. */
export function named(cells: readonly Cell[], most = 3): string {
  const names = cells.slice(0, most).map(([x, y]) => `${x},${y}`).join(", ");
  return cells.length > most ? `${names} and ${(cells.length - most).toLocaleString("en")} more` : names;
}

export function added(jobs: number, position: number): string {
  const before = position > 0 ? ` ${count(position, "job")} ${position === 1 ? "stands" : "stand"} before.` : "";
  return `${count(jobs, "job")} added.${before}`;
}

const LABEL: Record<string, string> = {
  generated: "finished",
  rendered: "only rendered",
  empty: "empty",
  blocked: "waits for other steps",
  stuck: "cannot go on",
  held: "held behind one that failed",
  pending: "waiting",
  processing: "being made",
  failed: "failed",
};

export const stateLabel = (state: string): string => LABEL[state] ?? state;

export function jobState(job: Job): string {
  if (job.state === "pending") return job.position ? `waiting, place ${job.position}` : "waiting";
  if (job.state === "blocked") return job.reason || "waits for other steps";
  if (job.state === "processing") return job.doing || "being made";
  if (job.state === "error") return job.reason || "failed";
  if (job.state === "cancelled") return "called off";
  return "finished";
}

/** 0.4, 3.2, 12: so many a minute. */
export const perMinute = (rate: number): string => (rate >= 10 ? Math.round(rate).toLocaleString("en") : rate.toFixed(1));

/** 0.8 s, 12 s, 3 min: how long one call takes. */
export const seconds = (time: number): string => (time < 10 ? `${time.toFixed(1)} s` : span(time));

/** The same with a full stop, if it has none. */
export const sentence = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`);

export const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);
