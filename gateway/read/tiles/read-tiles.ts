import { joinConfidences } from '../../engine/confidence.ts'
import type { PageImage } from '../../page/page.ts'
import type { AskEngine } from '../ask.ts'
import { drawn, type PageAnswer } from '../page-answer.ts'
import type { PageToRead } from '../page-to-read.ts'
import { joinTiles } from './join-tiles.ts'
import type { TileText } from './join-tiles.ts'

/**
 * Reads a page image: whole, or its tiles one after the other where it is cut into tiles. If a tile does not end well,
 * the page ends as that tile did.
 */
export async function readTiles(
  page: PageToRead,
  image: PageImage,
  ask: AskEngine,
  signal: AbortSignal,
): Promise<PageAnswer> {
  if (image.tiles === undefined) return ask(page, image, signal)
  const rows: (PageAnswer | null)[][] = []
  for (const row of image.tiles) {
    const answers: (PageAnswer | null)[] = []
    // No engine is asked about a tile without ink.
    for (const tile of row) answers.push(tile.blank ? null : await ask(page, tile, signal))
    rows.push(answers)
  }
  return joined(page, image, rows)
}

function textsOf(
  { tiles = [] }: PageImage,
  answers: readonly (readonly (PageAnswer | null)[])[],
  { model: { profile }, task }: PageToRead['question'],
): TileText[][] {
  return tiles.map((row, index) =>
    row.map(({ above, left }, column) => {
      const text = answers[index]?.[column]?.text ?? ''
      // Lines of JSON or HTML cannot be compared as lines of a page.
      return { above, left, text: profile.cleansTiles === true ? profile.clean(text, task) : text }
    }),
  )
}

function joined(
  { question }: PageToRead,
  image: PageImage,
  rows: readonly (readonly (PageAnswer | null)[])[],
): PageAnswer {
  const answers = rows.flat().filter((answer) => answer !== null)
  const reasons = answers.flatMap((answer) => answer.reasons)
  return {
    ...drawn(image, question.model.engine),
    text: joinTiles(textsOf(image, rows, question)),
    finishReason: answers.find(({ finishReason }) => finishReason !== 'stop')?.finishReason ?? 'stop',
    usage: {
      promptTokens: answers.reduce((tokens, { usage }) => tokens + usage.promptTokens, 0),
      completionTokens: answers.reduce((tokens, { usage }) => tokens + usage.completionTokens, 0),
    },
    attempts: 1 + reasons.length,
    reasons,
    // Tesseract counts no tokens.
    confidence: joinConfidences(
      answers.map(({ text, confidence, usage }) => ({ confidence, weight: usage.completionTokens || text.length })),
    ),
  }
}
