import type { PageImage } from '../../page/page.ts'
import { joinConfidences } from '../../engine/confidence.ts'
import { onlyAttempt } from '../../engine/engine.ts'
import type { EndDelta, Engine, PagePrompt } from '../../engine/engine.ts'
import { pageFacts } from '../../engine/page-facts.ts'

/** Joins the texts of a page's tiles, rows from the top and each from the left. */
export type JoinTiles = (rows: readonly (readonly string[])[]) => string

/**
 * Wraps an engine so that a page image in tiles is read tile by tile, one after the other, and told as one text. A page
 * one of whose tiles did not end well ends as that tile did.
 */
export function tiledEngine(engine: Engine, joinTiles: JoinTiles): Engine {
  return async function* tiled(prompt, signal) {
    const image = await prompt.image(signal)
    if (image.tiles === undefined) {
      yield* engine({ ...prompt, image: async () => image }, signal)
      return
    }
    const texts: string[][] = []
    const tiles: ReadTile[] = []
    for (const row of image.tiles) {
      const read = await readRow(engine, prompt, row, signal)
      texts.push(read.map(({ text }) => text))
      tiles.push(...read)
    }
    yield { type: 'text', text: joinTiles(texts) }
    yield sum(tiles, image, prompt)
  }
}

interface ReadTile {
  readonly text: string
  /** Null for a tile without ink, which nobody is asked about. */
  readonly end: EndDelta | null
}

async function readRow(
  engine: Engine,
  prompt: PagePrompt,
  row: readonly PageImage[],
  signal: AbortSignal,
): Promise<ReadTile[]> {
  const read: ReadTile[] = []
  for (const tile of row) {
    let text = ''
    let end: EndDelta | null = null
    if (!tile.blank) {
      for await (const delta of engine({ ...prompt, image: async () => tile }, signal)) {
        if (delta.type === 'text') text += delta.text
        else end = delta
      }
    }
    read.push({ text, end })
  }
  return read
}

function sum(tiles: readonly ReadTile[], image: PageImage, { model }: PagePrompt): EndDelta {
  const ends = tiles.flatMap(({ end }) => (end === null ? [] : [end]))
  const bad = ends.find(({ finishReason }) => finishReason !== 'stop')
  const reasons = ends.flatMap((end) => end.reasons)
  return {
    type: 'end',
    finishReason: bad?.finishReason ?? 'stop',
    usage: {
      promptTokens: ends.reduce((tokens, { usage }) => tokens + usage.promptTokens, 0),
      completionTokens: ends.reduce((tokens, { usage }) => tokens + usage.completionTokens, 0),
    },
    ...pageFacts(image),
    engine: model.engine,
    cache: 'miss',
    ...onlyAttempt,
    attempts: 1 + reasons.length,
    reasons,
    // Tesseract counts no tokens.
    confidence: joinConfidences(
      tiles.flatMap(({ text, end }) =>
        end === null ? [] : [{ confidence: end.confidence, weight: end.usage.completionTokens || text.length }],
      ),
    ),
  }
}
