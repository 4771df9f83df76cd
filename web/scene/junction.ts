// Where streets meet. Vector tiles drop points from straight lines, so crossing streets often share no point: they are
// found by where their lines cross or touch.

/** A meeting of three or more legs; widest is half the asphalt of its widest street, in metres. */
export interface Junction { x: number; y: number; legs: number; widest: number }

/** A street as the junction finder sees it. */
export interface Course { line: number[]; along: number[]; half: number }

/** A junction on a course, at so many metres along it. */
export interface Meeting { at: number; junction: Junction }

const TOUCH = 2; // metres within which an end counts as on the other line
const SAME = 6; // metres within which two crossings are one junction
const GRID = 60;

/** The metres along a line of [x, y, x, y, …] up to each of its points. */
export function alongOf(line: number[]): number[] {
  const along = [0];
  for (let i = 2; i < line.length; i += 2) along.push(along[i / 2 - 1] + Math.hypot(line[i] - line[i - 2], line[i + 1] - line[i - 1]));
  return along;
}

/** Finds the junctions on every course, in order along it. */
export function meetingsOf(courses: readonly Course[]): Meeting[][] {
  const grid = new Map<number, [course: number, segment: number][]>();
  courses.forEach(({ line }, c) => {
    for (let i = 0; i + 3 < line.length; i += 2) {
      const [x0, x1] = [Math.min(line[i], line[i + 2]), Math.max(line[i], line[i + 2])];
      const [y0, y1] = [Math.min(line[i + 1], line[i + 3]), Math.max(line[i + 1], line[i + 3])];
      for (let gx = Math.floor((x0 - TOUCH) / GRID); gx <= (x1 + TOUCH) / GRID; gx++) {
        for (let gy = Math.floor((y0 - TOUCH) / GRID); gy <= (y1 + TOUCH) / GRID; gy++) {
          const key = gx * 4096 + gy;
          if (!grid.has(key)) grid.set(key, []);
          grid.get(key)!.push([c, i]);
        }
      }
    }
  });
  const meetings: Meeting[][] = courses.map(() => []);
  const near = new Map<number, Junction[]>();
  const junctionAt = (x: number, y: number): Junction => {
    const [gx, gy] = [Math.floor(x / GRID), Math.floor(y / GRID)];
    for (let i = gx - 1; i <= gx + 1; i++) {
      for (let j = gy - 1; j <= gy + 1; j++) {
        for (const junction of near.get(i * 4096 + j) ?? []) if (Math.hypot(junction.x - x, junction.y - y) < SAME) return junction;
      }
    }
    const junction: Junction = { x, y, legs: 0, widest: 0 };
    near.set(gx * 4096 + gy, [...(near.get(gx * 4096 + gy) ?? []), junction]);
    return junction;
  };
  const join = (c: number, at: number, junction: Junction) => {
    const { along, half } = courses[c];
    if (meetings[c].some((m) => m.junction === junction)) return;
    meetings[c].push({ at, junction });
    junction.legs += at < 4 || at > along[along.length - 1] - 4 ? 1 : 2;
    junction.widest = Math.max(junction.widest, half);
  };
  for (const segments of grid.values()) {
    for (let p = 0; p < segments.length; p++) {
      for (let q = p + 1; q < segments.length; q++) {
        const [[c, i], [d, j]] = [segments[p], segments[q]];
        if (c === d) continue;
        const meet = touch(courses[c].line, i, courses[d].line, j);
        if (!meet) continue;
        const junction = junctionAt(meet.x, meet.y);
        join(c, courses[c].along[i / 2] + meet.s, junction);
        join(d, courses[d].along[j / 2] + meet.t, junction);
      }
    }
  }
  for (const list of meetings) list.sort((a, b) => a.at - b.at);
  return meetings.map((list) => list.filter(({ junction }) => junction.legs > 2));
}

/** Where two segments cross or nearly touch: the point, and the metres along each segment. */
function touch(a: number[], i: number, b: number[], j: number): { x: number; y: number; s: number; t: number } | null {
  const [ax, ay, bx, by] = [a[i], a[i + 1], b[j], b[j + 1]];
  const [l1, l2] = [Math.hypot(a[i + 2] - ax, a[i + 3] - ay), Math.hypot(b[j + 2] - bx, b[j + 3] - by)];
  if (l1 < 1e-6 || l2 < 1e-6) return null;
  const [ux, uy, vx, vy] = [(a[i + 2] - ax) / l1, (a[i + 3] - ay) / l1, (b[j + 2] - bx) / l2, (b[j + 3] - by) / l2];
  const cross = ux * vy - uy * vx;
  if (Math.abs(cross) > 0.2) {
    const s = ((bx - ax) * vy - (by - ay) * vx) / cross;
    const t = ((bx - ax) * uy - (by - ay) * ux) / cross;
    if (s < -TOUCH || s > l1 + TOUCH || t < -TOUCH || t > l2 + TOUCH) return null;
    return { x: ax + ux * s, y: ay + uy * s, s: Math.max(0, Math.min(l1, s)), t: Math.max(0, Math.min(l2, t)) };
  }
  for (const [s, x, y] of [[0, ax, ay], [l1, a[i + 2], a[i + 3]]]) {
    for (const [t, u, v] of [[0, bx, by], [l2, b[j + 2], b[j + 3]]]) if (Math.hypot(x - u, y - v) < TOUCH) return { x, y, s, t };
  }
  return null;
}
