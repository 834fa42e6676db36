import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import type { UpstreamConnection } from './connection.ts'
import { ASLEEP, discover, SilentServer, sleepsNow, type Discovery } from './discovery.ts'
import type { ChooseProfile } from './served-models.ts'
import { createSilence } from './silence.ts'

/** Says one thing about an upstream to whoever keeps the log. */
export type UpstreamLog = (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>) => void

/** What one upstream serves, and whether it is well. */
export interface UpstreamHealth {
  /** What it serves, or served when it was last heard. */
  models(): readonly ServedModel[]
  /** Why it is not asked; null when it is well. */
  problem(): string | null
  /** vLLM's, as it was heard last; null: it does not say. */
  version(): string | null
  /** It sleeps: it would let a request hang until it is woken. */
  isAsleep(): boolean
  /** It was late to say what it serves, and has said nothing else since: others come first. */
  isLate(): boolean
  /** What an operator should know, though it answers. */
  warnings(): readonly string[]
  /** Fires when it is next found gone, dead or asleep. One that is only late may be busy with what it was sent. */
  lost(): AbortSignal
  /** Says that something of an answer has come. */
  heard(): void
  /** Says that a request failed because the server is gone; the error becomes the problem. */
  failed(error: unknown): void
  /** Asks what it serves and how it is. Never throws. */
  discover(signal: AbortSignal): Promise<void>
  /** Asks a server that seems well, and can sleep, whether it does now. Throws the signal's reason. */
  askAsleep(signal: AbortSignal): Promise<boolean>
}

/** How served models are recognised, and who is told of changes. */
export interface UpstreamHealthOptions {
  readonly chooseProfile: ChooseProfile
  readonly onLog?: UpstreamLog | undefined
  /** Called just before the upstream counts as well again. */
  readonly onRecovery: () => void
  readonly onChange: () => void
}

/** A server for many others may have thousands. */
const MAX_LOGGED_MODELS = 50

/** Creates the health of a server that was not asked yet. */
export function createHealth(connection: UpstreamConnection, options: UpstreamHealthOptions): UpstreamHealth {
  const { chooseProfile, onLog, onRecovery, onChange } = options
  const { url } = connection
  let models: readonly ServedModel[] = []
  let problem: string | null = 'it has not been asked yet'
  let warnings: readonly string[] = []
  const silence = createSilence()
  let said: Pick<Discovery, 'canSleep' | 'version'> = { canSleep: false, version: null }
  const loss = createLoss(url)

  function setProblem(next: string | null, isCertain = true): void {
    if (next === problem) return
    onLog?.(...newsOf(next), { url, models: models.slice(0, MAX_LOGGED_MODELS).map(({ id }) => id) })
    if (next === null) onRecovery()
    problem = next
    if (next !== null && isCertain) loss.fire(next)
    onChange()
  }

  /** A late answer says nothing about the pages that the server has: they end by their own time limits. */
  function noteSilence({ message, isAlive }: SilentServer): void {
    if (isAlive) silence.heard()
    if (silence.wasLate() || models.length === 0) setProblem(message, false)
  }

  function setWarnings(next: readonly string[]): void {
    for (const warning of next) if (!warnings.includes(warning)) onLog?.('warn', warning, { url })
    warnings = next
  }

  return {
    models: () => models,
    problem: () => problem,
    version: () => said.version,
    isAsleep: () => problem === ASLEEP,
    isLate: () => silence.isLate,
    warnings: () => warnings,
    lost: () => loss.signal,
    heard: () => silence.heard(),
    failed: (error) => setProblem(describe(error)),
    async discover(signal) {
      try {
        const found = await discover(connection, chooseProfile, signal)
        ;[models, said] = [found.models, found]
        silence.heard()
        setWarnings(versionWarnings(found.models, found.version))
        setProblem(found.problem)
      } catch (error) {
        if (error instanceof SilentServer) noteSilence(error)
        else if (!signal.aborted) setProblem(describe(error))
      }
      onChange()
    },
    async askAsleep(signal) {
      if (!said.canSleep || silence.isLate || problem !== null || !(await sleepsNow(connection, signal))) return false
      setProblem(ASLEEP)
      return true
    },
  }
}

function newsOf(problem: string | null): ['info' | 'warn', string] {
  return problem === null ? ['info', 'upstream is well'] : ['warn', `upstream has a problem: ${problem}`]
}

/** Tells whoever waits for a server that it is gone, dead or asleep; each time anew. */
function createLoss(url: string) {
  let lost = new AbortController()
  return {
    get signal() {
      return lost.signal
    },
    fire(problem: string): void {
      const gone = lost
      lost = new AbortController()
      const message = 'The OCR engine went away before it had begun to answer. Try again in a few seconds.'
      gone.abort(new GatewayError('engine_unavailable', message, { cause: new Error(`${url}: ${problem}`) }))
    },
  }
}

function versionWarnings(models: readonly ServedModel[], version: string | null): string[] {
  if (version === null) return []
  return models.flatMap(({ id, profile }) => {
    const known = profile?.knownProblems?.find(({ versions }) => versions.test(version))
    return known === undefined ? [] : [`vLLM ${version} serves ${id} badly: ${known.problem}`]
  })
}

function describe(error: unknown): string {
  // A GatewayError's message speaks to callers of the gateway; what its operator needs is in the cause.
  const told = error instanceof GatewayError && error.cause instanceof Error ? error.cause : error
  return told instanceof Error ? told.message : String(told)
}
