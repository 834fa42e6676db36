import { loadTesseract } from '../../tesseract/load.ts'
import type { Language } from '../../tesseract/load.ts'
import type { Block, Box, Line, Recognition } from './recognition.ts'

/** Tesseract's `PSM_AUTO`: finds columns, needs no orientation data. */
const AUTOMATIC_LAYOUT = '3'
/**
 * Without a resolution Tesseract assumes 70 dpi, and then misses the rules of tables and the text between them. With
 * this value recall of Chinese tables rose from 88 % to 95 %. Any value from 150 to 300 has the same effect.
 */
const DOTS_PER_INCH = '200'

/**
 * Reads a PNG or JPEG page image in one language. Throws when Tesseract cannot read it. Not reentrant, and not usable
 * after it threw: end the thread then.
 */
export type ReadBlocks = (image: Uint8Array, language: Language) => Promise<Recognition>

/** Loads Tesseract into this thread, to read whole pages. */
export async function loadBlockReader(): Promise<ReadBlocks> {
  const tesseract = await loadTesseract({ tessedit_pageseg_mode: AUTOMATIC_LAYOUT, user_defined_dpi: DOTS_PER_INCH })

  return async function readBlocks(image, language) {
    const recognition = await tesseract.read(image, language, (reading): Recognition => {
      const page: RawPage = JSON.parse(reading.GetJSONText())
      const blocks = page.blocks.map(toBlock).filter((block) => block.paragraphs.length > 0)
      const hasOthers = page.blocks.some(isOther)
      return { language, confidence: reading.MeanTextConf(), blocks, hasOthers }
    })
    if (recognition === null) throw new Error('Tesseract cannot read the page image')
    return recognition
  }
}

interface RawPage {
  readonly blocks: readonly RawBlock[]
}

interface RawBlock {
  readonly bbox: Box
  /** Tesseract's `PolyBlockType`. */
  readonly blocktype: number
  readonly paragraphs: readonly { readonly bbox: Box; readonly lines: readonly RawLine[] }[]
}

interface RawLine {
  readonly bbox: Box
  readonly confidence: number
  readonly rowAttributes: { readonly rowHeight: number; readonly ascenders: number; readonly descenders: number }
  readonly words: readonly { readonly text: string; readonly confidence: number; readonly bbox: Box }[]
}

/** Tesseract's `PT_FLOWING_TEXT` and `PT_HEADING_TEXT`. */
const PRINT = [1, 2]

function isOther({ blocktype, paragraphs }: RawBlock): boolean {
  return !PRINT.includes(blocktype) || paragraphs.every(({ lines }) => lines.length === 0)
}

/** Tesseract's `PT_TABLE`. */
const TABLE = 6

/** Keeps only what the Markdown needs: the whole JSON is half a megabyte a page, most of it about single letters. */
function toBlock({ bbox, blocktype, paragraphs }: RawBlock): Block {
  return {
    kind: blocktype === TABLE ? 'table' : 'text',
    box: bbox,
    paragraphs: paragraphs
      .map((paragraph) => ({ box: paragraph.bbox, lines: paragraph.lines.map(toLine) }))
      .filter((paragraph) => paragraph.lines.length > 0),
  }
}

function toLine({ bbox, confidence, rowAttributes, words }: RawLine): Line {
  return {
    box: bbox,
    confidence,
    height: rowAttributes.rowHeight,
    size: rowAttributes.rowHeight - rowAttributes.ascenders - rowAttributes.descenders,
    words: words.map((word) => ({ text: word.text, confidence: word.confidence, box: word.bbox })),
  }
}
