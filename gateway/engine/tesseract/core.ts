import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Block, Box, Language, Line, Recognition } from './recognition.ts'

/** The part of `tesseract.js-core` used here; the package has no types. */
interface TesseractCore {
  readonly FS: { writeFile(path: string, data: Uint8Array): void; unlink(path: string): void }
  readonly TessBaseAPI: new () => TesseractApi
}

interface TesseractApi {
  /** Not 0 when it failed. */
  Init(dataPath: null, languages: string, engineMode: number): number
  SetVariable(name: string, value: string): boolean
  /** Reads `/input`; 1 when it could not be decoded. */
  SetImageFile(exifOrientation: number, radians: number): number
  Recognize(monitor: null): number
  GetJSONText(): string
  MeanTextConf(): number
  Clear(): void
}

type LoadCore = (options: { print: (line: string) => void; printErr: (line: string) => void }) => Promise<TesseractCore>

/** Tesseract's `OEM_LSTM_ONLY`: the `_lstm` cores and the `best_int` data know nothing else. */
const LSTM_ONLY = 1
/** Tesseract's `PSM_AUTO`: finds columns, needs no orientation data. */
const AUTOMATIC_LAYOUT = '3'
/**
 * Tesseract takes an image that does not say its resolution for 70 dpi, and then misses the rules of tables and what
 * stands between them: recall of Chinese tables rose from 88 % to 95 % with this. Anything from 150 to 300 does the same.
 */
const DOTS_PER_INCH = '200'

const require = createRequire(import.meta.url)
const unzip = promisify(gunzip)
const silent = () => undefined

/** Tesseract inside this thread. Not reentrant, and not usable after it threw: end the thread then. */
export interface Tesseract {
  /** Reads a PNG or JPEG page image in one language. Throws when the image cannot be decoded. */
  read(image: Uint8Array, language: Language): Promise<Recognition>
}

/** Loads Tesseract compiled to WebAssembly into this thread; a language's data is read at its first use. */
export async function loadTesseract(): Promise<Tesseract> {
  const load: LoadCore = require(`tesseract.js-core/${coreName()}`)
  const core = await load({ print: silent, printErr: silent })
  const apis = new Map<Language, TesseractApi>()

  async function apiFor(language: Language): Promise<TesseractApi> {
    const known = apis.get(language)
    if (known !== undefined) return known
    const path = require.resolve(`@tesseract.js-data/${language}/4.0.0_best_int/${language}.traineddata.gz`)
    core.FS.writeFile(`./${language}.traineddata`, await unzip(await readFile(path)))
    const api = new core.TessBaseAPI()
    if (api.Init(null, language, LSTM_ONLY) !== 0) throw new Error(`Tesseract refused its data for ${language}`)
    core.FS.unlink(`./${language}.traineddata`)
    api.SetVariable('tessedit_pageseg_mode', AUTOMATIC_LAYOUT)
    api.SetVariable('user_defined_dpi', DOTS_PER_INCH)
    apis.set(language, api)
    return api
  }

  return {
    async read(image, language) {
      const api = await apiFor(language)
      core.FS.writeFile('/input', image)
      if (api.SetImageFile(1, 0) !== 0) throw new Error('Tesseract cannot decode the page image')
      if (api.Recognize(null) !== 0) throw new Error('Tesseract gave up on the page image')
      const page: RawPage = JSON.parse(api.GetJSONText())
      const confidence = api.MeanTextConf()
      api.Clear()
      return { language, confidence, blocks: page.blocks.map(toBlock).filter((block) => block.paragraphs.length > 0) }
    },
  }
}

/**
 * A WebAssembly module whose one function needs relaxed SIMD: valid only where V8 and the CPU have it. From
 * https://github.com/GoogleChromeLabs/wasm-feature-detect (src/detectors/relaxed-simd).
 */
// prettier-ignore
const RELAXED_SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0,
  65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11,
)

/** Declared here because the project's types are Node's alone, and those leave WebAssembly to the browser's. */
declare const WebAssembly: { validate(module: Uint8Array): boolean }

function coreName(): string {
  return WebAssembly.validate(RELAXED_SIMD) ? 'tesseract-core-relaxedsimd-lstm' : 'tesseract-core-lstm'
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

/** Tesseract's `PT_TABLE`. */
const TABLE = 6

/** Keeps what the Markdown is made of: the whole is half a megabyte a page, most of it single letters. */
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
