import { parentPort } from 'node:worker_threads'
import { loadBlockReader } from './blocks.ts'
import type { ReadBlocks } from './blocks.ts'
import type { Recognition } from './recognition.ts'

/*
 * A thread's entry: one page image in, one recognition out. Whatever throws here ends the thread, which the pool reads
 * as the failure of that one page: Tesseract's memory is not to be trusted after it threw.
 */

/**
 * Up to here a page may be Chinese. Over the corpus of test/bench/recall.ts, English read Chinese pages at a confidence
 * of 26 to 71 (most for tables of figures), and printed English mostly at 86 to 95. An English page below costs time only:
 * English reads it with more confidence than Chinese does, and is kept.
 */
const SURE_CONFIDENCE = 85

const port = parentPort
if (port === null) throw new Error('tesseract/worker.ts runs as a worker thread only')
const loading = loadBlockReader()
port.on('message', (image: Uint8Array) => void recognize(image).then((recognition) => port.postMessage(recognition)))

async function recognize(image: Uint8Array): Promise<Recognition> {
  return inBestLanguage(await loading, image)
}

/** English first; simplified Chinese only where English is unsure, and only if Chinese is surer. */
async function inBestLanguage(readBlocks: ReadBlocks, image: Uint8Array): Promise<Recognition> {
  const english = await readBlocks(image, 'eng')
  if (english.confidence >= SURE_CONFIDENCE || english.blocks.length === 0) return english
  const chinese = await readBlocks(image, 'chi_sim')
  return chinese.confidence > english.confidence ? chinese : english
}
