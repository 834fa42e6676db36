import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Sample } from '../samples/sample.ts'

/**
 * A line of `metadata.jsonl`: what Hugging Face's `datasets` loads as a row with the columns `images` and `texts`, which
 * LightOnOCR's fine-tuning notebook reads. docs/samples.md has the sources.
 */
const row = z.object({
  images_file_names: z.array(z.string()).readonly(),
  texts: z.array(z.object({ user: z.string(), assistant: z.string() }).readonly()).readonly(),
  id: z.string(),
  at: z.string(),
  reasons: z.array(z.string()).readonly(),
  status: z.string(),
  model: z.string(),
  task: z.string(),
  needs_review: z.boolean(),
})

type Row = Readonly<z.infer<typeof row>>

/** What was written. */
interface Exported {
  readonly pairs: number
  readonly reviewed: number
  /** Pairs of an earlier export whose samples are gone. */
  readonly left: number
}

const METADATA = 'metadata.jsonl'
const IMAGES = 'images'

/**
 * Writes samples as pairs of an image and a text, into `images/`, and `metadata.jsonl` about them. A text that somebody has
 * changed since is the one that counts, and is never written over; with `areReviewed`, so do those that were left as they
 * are. Pairs of an earlier export stay.
 */
export async function exportSamples(
  samples: AsyncIterable<Sample>,
  folder: string,
  areReviewed: boolean,
): Promise<Exported> {
  await mkdir(join(folder, IMAGES), { recursive: true, mode: 0o700 })
  const rows = await readRows(join(folder, METADATA))
  const before = new Set(rows.keys())
  for await (const sample of samples) {
    for (const pair of pairsOf(sample)) {
      before.delete(pair.name)
      const wasReviewed = rows.get(pair.name)?.needs_review === false
      rows.set(pair.name, await writePair(pair, sample, folder, areReviewed || wasReviewed))
    }
  }
  for (const name of before) rows.set(name, await readAgain(rows.get(name)!, folder, name, areReviewed))
  const lines = [...rows.values()].map((each) => `${JSON.stringify(each)}\n`)
  await writeFile(join(folder, `${METADATA}.tmp`), lines.join(''), { mode: 0o600 })
  await rename(join(folder, `${METADATA}.tmp`), join(folder, METADATA))
  const reviewed = [...rows.values()].filter(({ needs_review: needsReview }) => !needsReview).length
  return { pairs: rows.size, reviewed, left: before.size }
}

/** An image that an engine was shown, and what is written on it. */
interface Pair {
  readonly name: string
  readonly image: number
  readonly text: string
}

/** A page that was read in tiles is a pair for each image: no engine was shown it as a whole. */
function pairsOf({ facts }: Sample): Pair[] {
  const { id, attempts, isTiled, text, images } = facts
  if (!isTiled) {
    const shown = attempts.findLast(({ reason }) => reason === null) ?? attempts.at(-1)
    return [{ name: id, image: shown?.image ?? 0, text }]
  }
  return images.map((_, image) => {
    const mine = attempts.filter((attempt) => attempt.image === image && attempt.text !== null)
    const best = mine.findLast(({ reason }) => reason === null) ?? mine.at(-1)
    return { name: `${id}-${image + 1}`, image, text: best?.text ?? '' }
  })
}

async function writePair(pair: Pair, { facts, images }: Sample, folder: string, isReviewed: boolean): Promise<Row> {
  const { id, at, reasons, status, model, task, prompt } = facts
  const { name, text } = pair
  const ending = facts.images[pair.image]?.mediaType === 'image/jpeg' ? 'jpg' : 'png'
  const image = `${IMAGES}/${name}.${ending}`
  await writeUnlessThere(join(folder, image), images[pair.image] ?? Buffer.alloc(0))
  await writeUnlessThere(textPath(folder, name), `${text.trimEnd()}\n`)
  const written = await readText(folder, name, text)
  return {
    images_file_names: [image],
    texts: [{ user: prompt ?? '', assistant: written }],
    id,
    at,
    reasons,
    status,
    model,
    task,
    needs_review: !isReviewed && written === text.trimEnd(),
  }
}

const textPath = (folder: string, name: string): string => join(folder, IMAGES, `${name}.md`)

async function readText(folder: string, name: string, otherwise: string): Promise<string> {
  const text = await readFile(textPath(folder, name), 'utf8').catch(() => otherwise)
  return text.replaceAll('\r\n', '\n').trimEnd()
}

/** What changed since the row was written counts; what it said before is all that is known of the sample. */
async function readAgain(old: Row, folder: string, name: string, areReviewed: boolean): Promise<Row> {
  const [{ user, assistant } = { user: '', assistant: '' }] = old.texts
  const written = await readText(folder, name, assistant)
  const needsReview = old.needs_review && !areReviewed && written === assistant
  return { ...old, texts: [{ user, assistant: written }], needs_review: needsReview }
}

async function writeUnlessThere(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content, { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/** Returns the rows of an earlier export by the names of their pairs. */
async function readRows(path: string): Promise<Map<string, Row>> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const rows = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => row.safeParse(parsed(line)))
    .flatMap(({ data }) => (data === undefined ? [] : [data]))
  return new Map(rows.map((each) => [nameOf(each), each]))
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

const nameOf = ({ images_file_names: [image = ''] }: Row): string =>
  image.slice(IMAGES.length + 1).replace(/\.(?:png|jpg)$/, '')
