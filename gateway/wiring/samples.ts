// Where pages that were hard to read are kept.
import { readFileSync } from 'node:fs'
import type { Config } from '../config/load.ts'
import { createSampleKeeper, type SampleKeeper } from '../samples/keeper.ts'
import { parseSamplesKey } from '../samples/sample-file.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'

const MEBIBYTE = 1024 ** 2
/** A disk that is full would fill the log. */
const SAY_AGAIN_MS = 60_000

type SampleSettings = Pick<
  Config,
  'GATEWAY_SAMPLES_DIR' | 'GATEWAY_SAMPLES_KEY' | 'GATEWAY_SAMPLES_KEY_FILE' | 'GATEWAY_SAMPLES_RATE'
>

/** Returns what is wrong with the settings of samples, beyond the rules of the single ones. */
export function samplesProblems({
  GATEWAY_SAMPLES_DIR: folder,
  GATEWAY_SAMPLES_KEY: key,
  GATEWAY_SAMPLES_KEY_FILE: file,
}: SampleSettings): string[] {
  if (key !== null && file !== null)
    return ['GATEWAY_SAMPLES_KEY and GATEWAY_SAMPLES_KEY_FILE are both set: one key is']
  // A key alone is what was meant to be kept encrypted, and is not kept at all.
  if (folder === null && (key !== null || file !== null))
    return ['GATEWAY_SAMPLES_KEY is set without GATEWAY_SAMPLES_DIR: nothing is kept']
  const { problem } = file === null ? { problem: null } : readSamplesKey(file)
  return problem === null ? [] : [`GATEWAY_SAMPLES_KEY_FILE ${problem}`]
}

/** Reads the key in a file; `problem` says why there is none, and never what is in it. */
export function readSamplesKey(file: string): { readonly key: Buffer | null; readonly problem: string | null } {
  try {
    const key = parseSamplesKey(readFileSync(file, 'utf8'))
    const problem = key === null ? `${file} must hold 32 bytes in base64: openssl rand -base64 32 makes them` : null
    return { key, problem }
  } catch (error) {
    return { key: null, problem: `${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}` }
  }
}

/** Creates what keeps samples; null where none are kept. */
export function createConfiguredSamples(
  config: Config,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): SampleKeeper | null {
  const { GATEWAY_SAMPLES_DIR: folder, GATEWAY_SAMPLES_KEY: text, GATEWAY_SAMPLES_KEY_FILE: file } = config
  if (folder === null) return null
  let saidAt = -Infinity
  return createSampleKeeper({
    folder,
    rate: config.GATEWAY_SAMPLES_RATE,
    maxBytes: config.GATEWAY_SAMPLES_MAX_MB * MEBIBYTE,
    key: file === null ? parseSamplesKey(text ?? '') : readSamplesKey(file).key,
    onEnd(outcome, error) {
      metrics.samples.inc({ outcome })
      if (outcome !== 'failed' || performance.now() - saidAt < SAY_AGAIN_MS) return
      saidAt = performance.now()
      log.warn({ err: error }, 'a sample was not kept: see GATEWAY_SAMPLES_DIR')
    },
  })
}
