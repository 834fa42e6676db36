import type { ChatCompletionContentPart } from 'openai/resources'
import { imageDamage } from '../fixtures/image-damage.ts'
import { images } from '../fixtures/images.ts'
import type { MadeDocument } from '../fixtures/made-document.ts'
import { damage } from '../fixtures/pdf-damage.ts'
import { addNoise, drawNumbered } from '../fixtures/printed-page.ts'
import { faxImage, flateImage, jpegImage, makeScan } from '../fixtures/scan-pdf.ts'
import { mutate, mutationNames } from '../fuzz/mutate.ts'
import { filePart, imagePart } from '../support/documents.ts'
import { makePdf, type PageSpec } from '../support/make-pdf.ts'
import type { SeededRandom } from '../support/seeded-random.ts'

/** Makes the documents of a soak, each another one unless it is asked for again. */
export interface SoakDocuments {
  /** Low pages, which are drawn in no time: as many as are asked for. */
  strips(random: SeededRandom, pages: number): ChatCompletionContentPart
  /** A4 pages of text. */
  text(random: SeededRandom): ChatCompletionContentPart
  scan(random: SeededRandom): ChatCompletionContentPart
  image(random: SeededRandom): ChatCompletionContentPart
  /** One that was damaged on purpose, or by chance. */
  damaged(random: SeededRandom): ChatCompletionContentPart
  /** One of a few that are asked for again and again. */
  known(random: SeededRandom): ChatCompletionContentPart
}

/** Numbers that a barcode can say. */
const NUMBERS = 4096

/** Chance alone must not write a bomb that the tests of bombs are about. */
const MAX_DAMAGED_BYTES = 300_000

/** Makes what takes long to make once. */
export async function makeSoakDocuments(): Promise<SoakDocuments> {
  const made = await bytesOf([...damage, ...imageDamage])
  const whole = await bytesOf(images)
  const scans = await makeScans()
  const known = Array.from({ length: 12 }, (_, index) => strips(`Known ${index}`, 1 + index, index * 20))
  const named = (bytes: Uint8Array, file: string) =>
    file.endsWith('.pdf') ? filePart(bytes) : imagePart(bytes, 'image/png')
  let count = 0
  return {
    strips: (random, pages) => filePart(strips(`Roll ${++count}`, pages, random.integer(0, NUMBERS - 1))),
    text: (random) =>
      filePart(makePdf(Array.from({ length: random.integer(1, 4) }, () => textPage(`${++count}`, random)))),
    scan: (random) => filePart(random.pick(scans)),
    image(random) {
      const { bytes, file } = random.pick(whole)
      return named(bytes, file)
    },
    damaged(random) {
      const { bytes, file } = random.pick(made)
      if (random.chance(0.3) || bytes.length < 10) return named(bytes, file)
      const [victim, other] = [random.pick([...whole, ...made]), random.pick(made)]
      if (victim.bytes.length < 10) return named(victim.bytes, victim.file)
      return named(
        mutate(random.pick(mutationNames), victim.bytes, () => random.next(), other.bytes),
        victim.file,
      )
    },
    known: (random) => filePart(random.pick(known)),
  }
}

async function bytesOf(documents: readonly MadeDocument[]): Promise<{ bytes: Uint8Array; file: string }[]> {
  const made = await Promise.all(documents.map(async ({ bytes, file }) => ({ bytes: await bytes(), file })))
  return made.filter(({ bytes }) => bytes.length <= MAX_DAMAGED_BYTES)
}

function strips(name: string, pages: number, first: number): Uint8Array {
  return makePdf(
    Array.from({ length: pages }, (_, index): PageSpec => {
      const lines = [`${name}, strip ${index + 1}`, 'so that it is drawn in no time.']
      return { width: 842, height: 100, number: (first + index) % NUMBERS, fontSize: 14, lines }
    }),
  )
}

const WORDS =
  'the keeping of small clocks asks for a steady hand and a quiet room where no draught may reach them'.split(' ')

function textPage(name: string, random: SeededRandom): PageSpec {
  const line = () => Array.from({ length: 12 }, () => random.pick(WORDS)).join(' ')
  return { number: random.integer(0, NUMBERS - 1), lines: [`Page ${name}`, ...Array.from({ length: 40 }, line)] }
}

async function makeScans(): Promise<readonly Uint8Array[]> {
  const page = (number: number) => addNoise(drawNumbered(number), 8, number)
  return Promise.all(
    Array.from({ length: 24 }, async (_, index) => {
      const images = [await jpegImage(page(index)), flateImage(page(index + 100)), await faxImage(page(index + 200))]
      return makeScan(images.slice(index % 3).map((image) => ({ image })))
    }),
  )
}
