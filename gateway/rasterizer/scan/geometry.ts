/** A matrix as in PDF: it maps (x, y) to (ax + cy + e, bx + dy + f). */
export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number]

/** A rectangle in points, from the bottom up. */
export interface Box {
  readonly left: number
  readonly bottom: number
  readonly right: number
  readonly top: number
}

type Point = readonly [x: number, y: number]

/** Distances along each axis that count as none. */
interface Gaps {
  readonly x: number
  readonly y: number
}

/** Returns the matrix that does `first`, then `second`. */
export function multiply(first: Matrix, second: Matrix): Matrix {
  const [a, b, c, d, e, f] = first
  const [A, B, C, D, E, F] = second
  return [a * A + b * C, a * B + b * D, c * A + d * C, c * B + d * D, e * A + f * C + E, e * B + f * D + F]
}

/** Returns the point that a matrix maps a point to. */
export function transform([a, b, c, d, e, f]: Matrix, x: number, y: number): Point {
  return [a * x + c * y + e, b * x + d * y + f]
}

/** Returns the smallest box around points. */
export function boxOf(points: readonly Point[]): Box {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)]
  return { left: Math.min(...xs), bottom: Math.min(...ys), right: Math.max(...xs), top: Math.max(...ys) }
}

/** Whether a matrix maps the unit square to a rectangle with horizontal and vertical sides. */
export function isAxisAligned([a, b, c, d]: Matrix, gaps: Gaps): boolean {
  const lies = Math.abs(b) < gaps.y && Math.abs(c) < gaps.x
  const stands = Math.abs(a) < gaps.x && Math.abs(d) < gaps.y
  return lies !== stands
}

/** Returns the rectangle whose corners the points are, or null when they are anything else. */
export function rectangleOf(points: readonly Point[], gaps: Gaps): Box | null {
  const around = boxOf(points)
  const isCorner = ([x, y]: Point) =>
    Math.min(x - around.left, around.right - x) < gaps.x && Math.min(y - around.bottom, around.top - y) < gaps.y
  // Corners in a crossing order, or a corner that comes twice, would enclose a smaller area.
  const corners = points.slice(0, 4)
  const sides = corners.map((corner, index) => distance(corner, corners[(index + 1) % 4] ?? corner, gaps))
  return points.every(isCorner) && sides.every((axes) => axes === 1) ? around : null
}

/** Returns what two boxes have in common. */
export function intersect(one: Box, other: Box): Box {
  return {
    left: Math.max(one.left, other.left),
    bottom: Math.max(one.bottom, other.bottom),
    right: Math.min(one.right, other.right),
    top: Math.min(one.top, other.top),
  }
}

/** Returns how much larger a matrix makes things, whatever their direction. */
export function scaleOf([a, b, c, d]: Matrix): number {
  return Math.sqrt(Math.abs(a * d - b * c))
}

/** Returns the area of a box; 0 for one that `intersect` found empty. */
export function areaOf({ left, bottom, right, top }: Box): number {
  return Math.max(0, right - left) * Math.max(0, top - bottom)
}

/**
 * Returns how many pixels the inner box ends before the outer one at the top, right, bottom and left; never below 0.
 */
export function margins(inner: Box, outer: Box, scales: Gaps): readonly number[] {
  return [
    (outer.top - inner.top) * scales.y,
    (outer.right - inner.right) * scales.x,
    (inner.bottom - outer.bottom) * scales.y,
    (inner.left - outer.left) * scales.x,
  ].map((margin) => Math.max(0, Math.round(margin)))
}

/** Returns along how many axes two points differ. */
function distance([x, y]: Point, [otherX, otherY]: Point, gaps: Gaps): number {
  return Number(Math.abs(x - otherX) > gaps.x) + Number(Math.abs(y - otherY) > gaps.y)
}
