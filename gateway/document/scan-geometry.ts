/** Takes (x, y) to (ax + cy + e, bx + dy + f), as in PDF. */
export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number]

/** A rectangle in points, from the bottom up. */
export interface Box {
  readonly left: number
  readonly bottom: number
  readonly right: number
  readonly top: number
}

type Point = readonly [x: number, y: number]

/** What counts as no distance along each axis. */
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

/** Returns where a matrix takes a point. */
export function transform([a, b, c, d, e, f]: Matrix, x: number, y: number): Point {
  return [a * x + c * y + e, b * x + d * y + f]
}

/** Returns the smallest box around points. */
export function boxOf(points: readonly Point[]): Box {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)]
  return { left: Math.min(...xs), bottom: Math.min(...ys), right: Math.max(...xs), top: Math.max(...ys) }
}

/** Whether the unit square stays a rectangle with upright sides, lying or standing. */
export function isAxisAligned([a, b, c, d]: Matrix, gaps: Gaps): boolean {
  const lies = Math.abs(b) < gaps.y && Math.abs(c) < gaps.x
  const stands = Math.abs(a) < gaps.x && Math.abs(d) < gaps.y
  return lies !== stands
}

/** Whether points are the corners of a rectangle that has the box in it. */
export function isCoveringRectangle(points: readonly Point[], box: Box, gaps: Gaps): boolean {
  const around = boxOf(points)
  const isCorner = ([x, y]: Point) =>
    Math.min(x - around.left, around.right - x) < gaps.x && Math.min(y - around.bottom, around.top - y) < gaps.y
  const isOutside =
    around.left <= box.left + gaps.x &&
    around.bottom <= box.bottom + gaps.y &&
    around.right >= box.right - gaps.x &&
    around.top >= box.top - gaps.y
  // Corners in an order that crosses itself, or one of them twice, would enclose less.
  const corners = points.slice(0, 4)
  const turns = corners.map((corner, index) => distance(corner, corners[(index + 1) % 4] ?? corner, gaps))
  return isOutside && points.every(isCorner) && turns.every((sides) => sides === 1)
}

/** Along how many axes two points differ. */
function distance([x, y]: Point, [otherX, otherY]: Point, gaps: Gaps): number {
  return Number(Math.abs(x - otherX) > gaps.x) + Number(Math.abs(y - otherY) > gaps.y)
}
