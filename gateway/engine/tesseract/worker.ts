import { parentPort } from 'node:worker_threads'
import { loadBlockReader } from './blocks.ts'
import type { ReadBlocks } from './blocks.ts'
import type { Recognition } from './recognition.ts'

/*
 * A thread's entry: it receives one page image and answers with one recognition. Any error ends the thread, and the
 * pool fails that one page: after an error the state of Tesseract's memory is unknown.
 */

/**
 * Below this confidence of the English data a page may be Chinese. Over the corpus of test/bench/recall.ts, the English
 * data read Chinese pages with a confidence of 26 to 71 (tables of figures had the most), and printed English mostly
 * with 86 to 95. An English page below it costs only time: English then has more confidence than Chinese, and is kept.
 */
const SURE_CONFIDENCE = 85

const port = parentPort
if (port === null) throw new Error('tesseract/worker.ts runs as a worker thread only')
const loading = loadBlockReader()
port.on('message', (image: Uint8Array) => void recognize(image).then((recognition) => port.postMessage(recognition)))

async function recognize(image: Uint8Array): Promise<Recognition> {
  return inBestLanguage(await loading, image)
}

/**
 * Reads in English, and again in simplified Chinese where English is unsure. Returns the reading with more confidence.
 */
async function inBestLanguage(readBlocks: ReadBlocks, image: Uint8Array): Promise<Recognition> {
  const english = await readBlocks(image, 'eng')
  if (english.confidence >= SURE_CONFIDENCE || english.blocks.length === 0) return english
  const chinese = await readBlocks(image, 'chi_sim')
  return chinese.confidence > english.confidence ? chinese : english
}
