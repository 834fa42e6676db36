import type { ServedModel } from '../../profile/model-profile.ts'
import { tesseract as tesseractProfile } from '../../profile/models/tesseract.ts'
import { createConfidenceMeter } from '../confidence.ts'
import type { Confidence, Engine } from '../engine.ts'
import { blocksToMarkdown, blocksToText } from './blocks-to-markdown.ts'
import { isPlainPrint } from './blocks-plain.ts'
import { isNoise } from './blocks-text.ts'
import { createTesseractPool } from './pool.ts'
import type { Block } from './recognition.ts'

/** The model that the embedded engine serves. */
export const embeddedModel: ServedModel = {
  id: 'tesseract',
  root: 'tesseract',
  parent: null,
  maxModelLen: tesseractProfile.defaultMaxModelLen,
  created: 0,
  ownedBy: 'ocr-gateway',
  engine: 'tesseract',
  profile: tesseractProfile,
}

/** What the embedded engine needs to know. */
export interface EmbeddedEngineOptions {
  /** Pages read at the same time; each thread keeps one core busy and holds about 160 MB. */
  readonly threads: number
}

/** The engine that needs no GPU and no server: Tesseract in worker threads. */
export interface EmbeddedEngine {
  readonly recognize: Engine
  /** Ends its threads; pages on their way fail with `draining`. */
  close(): Promise<void>
}

/** Makes the embedded engine. Nothing is started or loaded before the first page. */
export function createEmbeddedEngine({ threads }: EmbeddedEngineOptions): EmbeddedEngine {
  const pool = createTesseractPool(threads)

  const recognize: Engine = async ({ question, image, turn, onTaken }, signal, onDelta) => {
    const { blocks, hasOthers } = await pool.read(image.data, turn, signal, onTaken)
    const written = question.task === 'text' ? blocksToText(blocks) : blocksToMarkdown(blocks)
    if (written.text !== '') onDelta(written.text)
    return {
      finishReason: 'stop',
      usage: { promptTokens: 0, completionTokens: 0 },
      confidence: confidenceOf(blocks),
      isPlain: !hasOthers && isPlainPrint(blocks),
      blocks: written.blocks,
    }
  }

  return { recognize, close: () => pool.close() }
}

/** Tesseract says how sure it is of each word, in percent, whether or not anybody asks. */
function confidenceOf(blocks: readonly Block[]): Confidence | null {
  const meter = createConfidenceMeter()
  const lines = blocks.flatMap(({ paragraphs }) => paragraphs.flatMap((paragraph) => paragraph.lines))
  for (const line of lines.filter((it) => !isNoise(it)))
    for (const { confidence } of line.words) meter.add(Math.log(confidence / 100))
  return meter.read()
}
