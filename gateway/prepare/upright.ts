import type { Language } from '../tesseract/load.ts'
import { readBrightness } from './gray.ts'
import type { GrayImage } from './gray.ts'
import type { Bitmap } from './bitmap.ts'
import { findInk } from './ink-mask.ts'
import type { MeasureLegibility } from './legibility.ts'
import { guessTurn } from './orientation.ts'
import type { Turn } from './orientation.ts'

/**
 * Returns by how far a page has to be turned clockwise to stand upright: 0 unless that is certain. The shapes of the
 * lines give a guess in a fiftieth of a second. A guess other than 0, or none, is tested by reading a piece of the
 * page, which takes a second or more.
 */
export async function findTurn(bitmap: Bitmap, measureLegibility: MeasureLegibility): Promise<Turn> {
  const image = readBrightness(bitmap, Math.max(1, Math.floor(Math.max(bitmap.width, bitmap.height) / 1500)))
  const guess = guessTurn(image)
  if (guess === 0) return 0
  const piece = densestPiece(image)
  if (piece === null) return 0
  const legibility = (turn: Turn, language: Language) => measureLegibility(turnedImage(piece, turn), language)
  if (guess !== null && isSure(await legibility(guess, 'eng'), await legibility(0, 'eng'))) return guess
  return bestTurn((turn) => legibility(turn, 'chi_sim'))
}

// Measured on pieces of the corpus: English, Chinese and figures reach 79 to 88 upright, and 12 to 44 otherwise.
// Russian,
// Korean and Arabic, which Tesseract's languages here do not cover, and vertical Chinese columns stay at 50 or less.
const LEGIBLE = 65
const MARGIN = 20
const isSure = (turned: number, asItIs: number): boolean => turned >= LEGIBLE && turned >= asItIs + MARGIN

async function bestTurn(legibility: (turn: Turn) => Promise<number>): Promise<Turn> {
  const asItIs = await legibility(0)
  if (asItIs >= LEGIBLE) return 0
  for (const turn of [180, 90, 270] as const) if (isSure(await legibility(turn), asItIs)) return turn
  return 0
}

/** Large enough for a dozen lines of five words, whichever way they run. */
const PIECE = 340
/** A piece with a few lines of type has so many edges of ink. */
const MIN_EDGES = 200

/** Cuts out the square with the most edges of ink, where most letters are; null when it has too few. */
function densestPiece(image: GrayImage): GrayImage | null {
  const { pixels, width, height } = findInk(image)
  const [across, down] = [Math.min(PIECE, width), Math.min(PIECE, height)]
  const [columns, rows] = [Math.ceil(width / (PIECE / 2)), Math.ceil(height / (PIECE / 2))]
  let [best, most] = [{ left: 0, top: 0 }, 0]
  for (let cell = 0; cell < columns * rows; cell++) {
    const left = Math.min(width - across, (cell % columns) * (PIECE / 2))
    const top = Math.min(height - down, Math.floor(cell / columns) * (PIECE / 2))
    let edges = 0
    for (let y = top; y < top + down; y += 2)
      for (let at = y * width + left + 1, end = at + across - 1; at < end; at++) edges += pixels[at]! ^ pixels[at - 1]!
    if (edges > most) [best, most] = [{ left, top }, edges]
  }
  return most < MIN_EDGES ? null : cut(image, best, { across, down })
}

function cut(
  { pixels, width }: GrayImage,
  { left, top }: { readonly left: number; readonly top: number },
  { across, down }: { readonly across: number; readonly down: number },
): GrayImage {
  const piece = new Uint8Array(across * down)
  for (let y = 0; y < down; y++) {
    const start = (top + y) * width + left
    piece.set(pixels.subarray(start, start + across), y * across)
  }
  return { pixels: piece, width: across, height: down }
}

function turnedImage(image: GrayImage, turn: Turn): GrayImage {
  let turned = image
  for (let quarters = turn / 90; quarters > 0; quarters--) turned = quarterTurn(turned)
  return turned
}

function quarterTurn({ pixels, width, height }: GrayImage): GrayImage {
  const turned = new Uint8Array(pixels.length)
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) turned[x * height + (height - 1 - y)] = pixels[at]!
  return { pixels: turned, width: height, height: width }
}
