import { seededRandom } from '../seeded-random.ts'

/** What an engine may do wrong with one page. */
export const pageFaults = [
  'loop',
  'loop of signs',
  'empty',
  'commentary',
  'abort',
  'length',
  'error event',
  'stream broken',
  'stream ended early',
  'stream broken after its finish',
  'connection closed',
  '500',
  '503',
  '503 with a string',
  'silence',
] as const

export type PageFault = (typeof pageFaults)[number]

/** Faults that a page keeps however often it is asked for: what is left of it must say so. */
const HOPELESS: readonly PageFault[] = ['loop', 'loop of signs', 'empty', 'length', '500']

/** One page, known by the number that its barcode says: what stands on it and what happens to it. */
export interface PlannedPage {
  readonly number: number
  /** The only right answer. */
  readonly text: string
  readonly fault: PageFault | null
  /** How often it happens before the page is answered well. */
  readonly times: number
  readonly firstDelayMs: number
  readonly delayMs: number
}

/** How a page is recognized in any text, whoever reads it: `n0042`. */
export const pageTag = (number: number): string => `n${String(number).padStart(4, '0')}`

/** Plans a page; the same for the same seed and number, whatever else is planned. */
export function planPage(seed: number, number: number): PlannedPage {
  const random = seededRandom(seed * 4099 + number)
  const isHopeless = random.chance(0.01)
  const isTroubled = isHopeless || random.chance(0.15)
  const isSlow = random.chance(0.02)
  return {
    number,
    text: writeText(number, random),
    fault: isTroubled ? random.pick(isHopeless ? HOPELESS : pageFaults) : null,
    times: isHopeless ? Infinity : random.chance(0.8) ? 1 : 2,
    firstDelayMs: isSlow ? random.integer(500, 1500) : random.integer(10, 120),
    delayMs: random.integer(1, 6),
  }
}

const WORDS =
  'the keeping of small clocks asks for a steady hand and a quiet room where no draught may reach them é ß 漢字 😀 — «so»'.split(
    ' ',
  )

/** A page's text: it names its page at its beginning, in its middle and at its end, and has characters of all widths. */
function writeText(number: number, random: ReturnType<typeof seededRandom>): string {
  const words = (count: number) => Array.from({ length: count }, () => random.pick(WORDS)).join(' ')
  const tag = pageTag(number)
  const paragraphs = Array.from({ length: random.integer(1, 4) }, () => `${words(random.integer(8, 50))} ${tag}.`)
  return [`# Page ${tag}`, ...paragraphs, `End of ${tag}`].join('\n\n')
}
