import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { chooseCore, detectSimd } from './core.ts'

/**
 * Languages that the gateway brings data for, as Tesseract names them. `chi_sim` also knows Latin letters and figures;
 * `eng` reads English twice as fast.
 */
export type Language = 'eng' | 'chi_sim'

/** What can be asked about the image that was read last. */
export interface Reading {
  GetJSONText(): string
  /** Mean confidence of the words, 0 to 100; 0 when there are none. */
  MeanTextConf(): number
}

/** Tesseract inside one thread. Not reentrant, and not usable after it threw: end the thread then. */
export interface Tesseract {
  /**
   * Reads a PNG, JPEG or PGM image in one language, whose data is loaded at its first use, and returns what `take` gets
   * from the reading. Null when Tesseract cannot decode the image or gives up on it.
   */
  read<Taken>(image: Uint8Array, language: Language, take: (reading: Reading) => Taken): Promise<Taken | null>
}

/** The part of `tesseract.js-core` used here; the package has no types. */
interface Core {
  readonly FS: { writeFile(path: string, data: Uint8Array): void; unlink(path: string): void }
  readonly TessBaseAPI: new () => BaseApi
}

interface BaseApi extends Reading {
  /** Not 0 when it failed. */
  Init(dataPath: null, languages: string, engineMode: number): number
  SetVariable(name: string, value: string): boolean
  /** Reads `/input`; 1 when it could not be decoded. */
  SetImageFile(exifOrientation: number, radians: number): number
  /** Not 0 when it failed. */
  Recognize(monitor: null): number
  Clear(): void
}

type LoadCore = (options: { print: (line: string) => void; printErr: (line: string) => void }) => Promise<Core>

/** Tesseract's `OEM_LSTM_ONLY`: the `-lstm` cores and the `best_int` data know nothing else. */
const LSTM_ONLY = 1

const require = createRequire(import.meta.url)
const unzip = promisify(gunzip)
const silent = () => undefined

/** Loads Tesseract into this thread, with the values of Tesseract's own variables that every language is read with. */
export async function loadTesseract(variables: Readonly<Record<string, string>>): Promise<Tesseract> {
  const load: LoadCore = require(chooseCore(detectSimd()))
  const core = await load({ print: silent, printErr: silent })
  const apis = new Map<Language, BaseApi>()

  async function apiFor(language: Language): Promise<BaseApi> {
    const known = apis.get(language)
    if (known !== undefined) return known
    const api = await createApi(core, language)
    for (const [name, value] of Object.entries(variables)) api.SetVariable(name, value)
    apis.set(language, api)
    return api
  }

  return {
    async read(image, language, take) {
      const api = await apiFor(language)
      core.FS.writeFile('/input', image)
      if (api.SetImageFile(1, 0) !== 0 || api.Recognize(null) !== 0) return null
      const taken = take(api)
      api.Clear()
      return taken
    },
  }
}

async function createApi(core: Core, language: Language): Promise<BaseApi> {
  const path = require.resolve(`@tesseract.js-data/${language}/4.0.0_best_int/${language}.traineddata.gz`)
  core.FS.writeFile(`./${language}.traineddata`, await unzip(await readFile(path)))
  const api = new core.TessBaseAPI()
  if (api.Init(null, language, LSTM_ONLY) !== 0) throw new Error(`Tesseract refused its data for ${language}`)
  core.FS.unlink(`./${language}.traineddata`)
  return api
}
