import { findComponents } from './components.ts'
import type { Component } from './components.ts'
import type { InkMask } from './ink-mask.ts'

/** Used for each page: memory that is new costs more than all that is done in it. */
let copy = new Uint8Array(0)
/** In pixels; a larger page's copy is not kept. */
const MAX_KEPT = 2 ** 22

/**
 * Tells whether a page has no mark as large as a letter: there is nothing to read. Noise, tint, specks, punch holes,
 * straight streaks and marks connected to the edges do not count; one small word or a page number does. In doubt a page
 * is not blank: reading it costs time, skipping it costs its text.
 */
export function isBlank(found: InkMask): boolean {
  const size = found.pixels.length
  if (copy.length < size) copy = new Uint8Array(size)
  const mask = { ...found, pixels: copy.subarray(0, size) }
  mask.pixels.set(found.pixels)
  if (size > MAX_KEPT) copy = new Uint8Array(0)
  clearEdges(mask)
  return !hasMark(mask)
}

/** How deep shadows, scanner beds and frames at the edge may reach, as a share of the side. */
const EDGE_DEPTH = 0.08
/** So many rows and columns are outermost: in the first one a shadow may be too faint, averaged with what lies beyond. */
const EDGE = 2

/** Removes the ink that is connected to the outermost pixels, as deep as `EDGE_DEPTH` and no deeper. */
function clearEdges({ pixels, width, height }: InkMask): void {
  const [deepX, deepY] = [Math.floor(width * EDGE_DEPTH), Math.floor(height * EDGE_DEPTH)]
  const waiting: number[] = []
  /** Takes the ink of a part of a row. */
  const take = (y: number, from: number, to: number) => {
    const isDeep = y >= deepY && y < height - deepY
    for (let x = Math.max(0, from); x < Math.min(width, to); x++) {
      const at = y * width + x
      if (pixels[at] !== 1 || (isDeep && x >= deepX && x < width - deepX)) continue
      pixels[at] = 0
      waiting.push(at)
    }
  }
  for (let y = 0; y < height; y++) {
    const isEdge = y < EDGE || y >= height - EDGE
    take(y, 0, isEdge ? width : EDGE)
    if (!isEdge) take(y, width - EDGE, width)
  }
  while (waiting.length > 0) {
    const at = waiting.pop()!
    const [x, y] = [at % width, Math.floor(at / width)]
    for (let near = Math.max(0, y - 1); near <= Math.min(height - 1, y + 1); near++) take(near, x - 1, x + 2)
  }
}

/** Smallest letter, in pixels of the reduced page: a 7-point digit on an A4 page that is drawn 1540 pixels high. */
const LETTER = { length: 4, area: 6 }
/** Smallest piece that can belong to a line of tiny type. */
const PARTICLE = { length: 3, area: 4 }
const PARTICLES_OF_A_LINE = 3
/** So many particles are text: dust is sparser. */
const PARTICLES_OF_A_PAGE = 12

/** How thick a streak may be, in pixels. More ink in one piece is neither that nor a punch hole. */
const STREAK = 3

function hasMark(mask: InkMask): boolean {
  const { width, height } = mask
  const particles: Component[] = []
  const longest = Math.max(width, height)
  const thickest = STREAK * longest
  for (const piece of findComponents(mask, thickest + 1)) {
    if (piece.area > thickest) return true
    const length = Math.max(piece.right - piece.left, piece.bottom - piece.top) + 1
    if (length < PARTICLE.length || piece.area < PARTICLE.area) continue
    if (isStreak(piece, longest) || isPunchHole(piece, width, height)) continue
    if (length >= LETTER.length && piece.area >= LETTER.area) return true
    particles.push(piece)
    if (particles.length >= PARTICLES_OF_A_PAGE || formLine(particles)) return true
  }
  return false
}

/** Whether a piece is a rule, a fold or the trace of a dusty scanner cell: straight, solid and very thin. */
function isStreak({ left, right, top, bottom, area }: Component, longest: number): boolean {
  const [width, height] = [right - left + 1, bottom - top + 1]
  return Math.min(width, height) <= STREAK && Math.max(width, height) >= longest / 12 && area >= 0.6 * width * height
}

/**
 * Whether a piece is a filled disc of 3 to 10 mm near a side of an A4 or Letter page (holes are 5 to 7 mm, ISO 838: 6).
 */
function isPunchHole({ left, right, top, bottom, area }: Component, pageWidth: number, pageHeight: number): boolean {
  const [width, height] = [right - left + 1, bottom - top + 1]
  const longest = Math.max(pageWidth, pageHeight)
  const isRound = Math.abs(width - height) <= 0.25 * Math.max(width, height)
  const isHoleSized = width >= longest / 100 && width <= longest / 28
  // A disc fills π/4 of its square.
  const isFilled = area >= 0.66 * width * height && area <= 0.92 * width * height
  const [x, y] = [(left + right) / 2 / pageWidth, (top + bottom) / 2 / pageHeight]
  return isRound && isHoleSized && isFilled && Math.min(x, y, 1 - x, 1 - y) < 0.1
}

/**
 * Whether the newest particle has enough others beside it: at the same height, and no further away than the next word.
 */
function formLine(particles: readonly Component[]): boolean {
  const newest = particles.at(-1)
  if (newest === undefined) return false
  const beside = particles.filter(
    ({ left, top }) => Math.abs(top - newest.top) <= 2 && Math.abs(left - newest.left) <= PARTICLE.length * 12,
  )
  return beside.length >= PARTICLES_OF_A_LINE
}
