import { findComponents } from './components.ts'
import type { Component } from './components.ts'
import type { InkMask } from './ink-mask.ts'

/** A letter by its place along its line and across it, in pixels. */
interface Letter {
  readonly along: number
  readonly across: number
}

/** Which way a page's lines run: to the right, or downwards, as on a page that lies on its side. */
export type Direction = 'lines' | 'columns'

/** From one or two lines no angle is known: the tails of three letters can tilt them. */
const MIN_LINES = 3
const MIN_LETTERS = 5
/** A shorter line fits any angle. In heights of a letter. */
const MIN_LENGTH = 6
/** How far the lines may slope once the angle is taken off. */
const MAX_SLOPE = Math.tan((0.5 * Math.PI) / 180)

/**
 * Tells whether the letters of a page stand on at least three lines that slope by so many degrees: in most of them
 * the feet of the letters must lie level once the page is turned back.
 */
export function linesSlope(mask: InkMask, degrees: number, direction: Direction): boolean {
  const { letters, size } = findLetters(mask, direction)
  const slope = Math.tan((degrees * Math.PI) / 180)
  const level = letters.map(({ along, across }) => ({ along, across: across - along * slope }))
  const lines = chain(level, size).filter((line) => line.length >= MIN_LETTERS && lengthOf(line) >= MIN_LENGTH * size)
  // Feet are known to a pixel: on a short line that is a slope of its own.
  const slopes = lines.map((line) => Math.abs(slopeOf(line)) - 1 / lengthOf(line))
  return countApart(lines, size) >= MIN_LINES && median(slopes) <= MAX_SLOPE
}

const MIN_SIDE = 3
const MIN_AREA = 6
/** Of a page of dust or of dense drawing, so many pieces are enough. */
const MAX_LETTERS = 12_000

/** Returns the feet of the letters, and how high most of these are. */
function findLetters(mask: InkMask, direction: Direction): { letters: Letter[]; size: number } {
  const pieces: Component[] = []
  for (const piece of findComponents(mask)) {
    if (heightOf(piece, direction) >= MIN_SIDE && piece.area >= MIN_AREA) pieces.push(piece)
    if (pieces.length === MAX_LETTERS) break
  }
  const size = median(pieces.map((piece) => heightOf(piece, direction)))
  // Leaves out dots and marks, and rules and pictures.
  const ofSize = pieces.filter((piece) => {
    const height = heightOf(piece, direction)
    return height >= 0.5 * size && height <= 2.5 * size
  })
  const letters = ofSize.map(({ left, right, top, bottom }) =>
    direction === 'lines'
      ? { along: (left + right) / 2, across: bottom }
      : // A page turned clockwise has lines that descend to the right, and columns that drift to the left.
        { along: (top + bottom) / 2, across: -left },
  )
  return { letters, size }
}

function heightOf({ left, right, top, bottom }: Component, direction: Direction): number {
  return direction === 'lines' ? bottom - top + 1 : right - left + 1
}

/** How far the next letter of a line may stand, and how far its foot may be off. In heights of a letter. */
const MAX_STEP = 3
const MAX_SHIFT = 0.6

/** Links each letter to those that follow it on its line. */
function chain(letters: readonly Letter[], size: number): Letter[][] {
  const sorted = letters.toSorted((a, b) => a.along - b.along)
  const lineOf = new Map<Letter, Letter[]>()
  for (const [index, letter] of sorted.entries()) {
    const line = lineOf.get(letter) ?? [letter]
    lineOf.set(letter, line)
    for (let at = index + 1; at < sorted.length && sorted[at]!.along - letter.along <= MAX_STEP * size; at++) {
      const next = sorted[at]!
      if (lineOf.has(next) || Math.abs(next.across - letter.across) > MAX_SHIFT * size) continue
      line.push(next)
      lineOf.set(next, line)
    }
  }
  return [...new Set(lineOf.values())]
}

function lengthOf(line: readonly Letter[]): number {
  return line.at(-1)!.along - line[0]!.along
}

/** Counts the lines that are at different heights. */
function countApart(lines: readonly (readonly Letter[])[], size: number): number {
  const heights = lines.map((line) => median(line.map(({ across }) => across))).toSorted((a, b) => a - b)
  return heights.filter((height, index) => index === 0 || height - heights[index - 1]! > size).length
}

/** So many letters of a line are enough; comparing all pairs of a long line would take long. */
const SAMPLED = 60

/**
 * Returns a line's slope: the median over pairs of its letters that stand far apart, so that the few letters with
 * tails do not tilt it (H. Theil 1950, P. K. Sen 1968).
 */
function slopeOf(line: readonly Letter[]): number {
  const step = Math.ceil(line.length / SAMPLED)
  const sampled = line.filter((_, index) => index % step === 0)
  const slopes: number[] = []
  for (const [index, one] of sampled.entries())
    for (const other of sampled.slice(index + 1)) {
      const distance = other.along - one.along
      if (distance >= lengthOf(line) / 4) slopes.push((other.across - one.across) / distance)
    }
  return median(slopes)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}
