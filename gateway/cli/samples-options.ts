/** What can be done with samples. */
export const samplesActions = ['list', 'show', 'export'] as const

/** One of the things that can be done with samples. */
export type SamplesAction = (typeof samplesActions)[number]

/** Options of `ocr samples`. */
export interface SamplesOptions {
  readonly dir?: string
  readonly keyFile?: string
  readonly reviewed?: boolean
  readonly json?: boolean
}
