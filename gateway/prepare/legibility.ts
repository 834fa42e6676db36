import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { GrayImage } from './gray.ts'

/** `chi_sim` also knows Latin letters and figures; `eng` reads English twice as fast. */
export type Script = 'eng' | 'chi_sim'

/** Tells how sure a reader is of what it reads in a piece of a page: 0 to 100, 0 for nothing. */
export type MeasureLegibility = (piece: GrayImage, script: Script) => Promise<number>

/** The part of `tesseract.js-core` used here; the package has no types. */
interface Core {
  readonly FS: { writeFile(path: string, data: Uint8Array): void; unlink(path: string): void }
  readonly TessBaseAPI: new () => Reader
}

interface Reader {
  /** Not 0 when it failed. */
  Init(dataPath: null, languages: string, engineMode: number): number
  SetVariable(name: string, value: string): boolean
  SetImageFile(exifOrientation: number, radians: number): number
  Recognize(monitor: null): number
  MeanTextConf(): number
  Clear(): void
}

/** Tesseract's `OEM_LSTM_ONLY`. */
const LSTM_ONLY = 1
/** Tesseract's `PSM_SINGLE_BLOCK`: without looking for columns, pictures and tables. */
const SINGLE_BLOCK = '6'

const require = createRequire(import.meta.url)
const unzip = promisify(gunzip)
const silent = () => undefined

/**
 * Loads Tesseract into this thread, to judge by how it reads a piece of a page whether the piece stands upright. It
 * holds some 150 MB from the first piece on. Only for rasterizer threads.
 */
export async function loadLegibility(): Promise<MeasureLegibility> {
  const load: (options: object) => Promise<Core> = require(`tesseract.js-core/${coreName()}`)
  const core = await load({ print: silent, printErr: silent })
  const readers = new Map<Script, Reader>()

  async function readerFor(script: Script): Promise<Reader> {
    const known = readers.get(script)
    if (known !== undefined) return known
    const path = require.resolve(`@tesseract.js-data/${script}/4.0.0_best_int/${script}.traineddata.gz`)
    core.FS.writeFile(`./${script}.traineddata`, await unzip(await readFile(path)))
    const reader = new core.TessBaseAPI()
    if (reader.Init(null, script, LSTM_ONLY) !== 0) throw new Error(`Tesseract refused its data for ${script}`)
    core.FS.unlink(`./${script}.traineddata`)
    reader.SetVariable('tessedit_pageseg_mode', SINGLE_BLOCK)
    readers.set(script, reader)
    return reader
  }

  return async function measureLegibility(piece, script) {
    const reader = await readerFor(script)
    core.FS.writeFile('/input', portableGraymap(piece))
    if (reader.SetImageFile(1, 0) !== 0 || reader.Recognize(null) !== 0) return 0
    const confidence = reader.MeanTextConf()
    reader.Clear()
    return confidence
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

/** Without SIMD Tesseract takes ten times as long. */
function coreName(): string {
  return WebAssembly.validate(RELAXED_SIMD) ? 'tesseract-core-relaxedsimd-lstm' : 'tesseract-core-simd-lstm'
}

/** The simplest image format that Tesseract reads: https://netpbm.sourceforge.net/doc/pgm.html. */
function portableGraymap({ pixels, width, height }: GrayImage): Uint8Array {
  return Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), pixels])
}
