import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import type { UpstreamConnection } from './connection.ts'
import { discover, SilentServer } from './discovery.ts'
import type { ChooseProfile } from './served-models.ts'

/** Says one thing about an upstream to whoever keeps the log. */
export type UpstreamLog = (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>) => void

/** What one upstream serves, and whether it is well. */
export interface UpstreamHealth {
  /** What it serves, or served when it was last heard. */
  models(): readonly ServedModel[]
  /** Why it is not asked; null when it is well. */
  problem(): string | null
  /** What an operator should know, though it answers. */
  warnings(): readonly string[]
  /** Fires when it is next found gone, dead or asleep. */
  lost(): AbortSignal
  /** Says that something of an answer has come. */
  heard(): void
  /** Says that a request failed because the server is gone; the error becomes the problem. */
  failed(error: unknown): void
  /** Asks what it serves and how it is. Never throws. */
  discover(signal: AbortSignal): Promise<void>
}

/** How served models are recognised, and who is told of changes. */
export interface UpstreamHealthOptions {
  readonly chooseProfile: ChooseProfile
  readonly onLog?: UpstreamLog | undefined
  /** Called just before the upstream counts as well again. */
  readonly onRecovery: () => void
  readonly onChange: () => void
}

/** A server that says something at least so often is busy, not hung, though it does not answer `/health` in time. */
const BUSY_MILLISECONDS = 10_000

/** Creates the health of a server that was not asked yet. */
export function createHealth(connection: UpstreamConnection, options: UpstreamHealthOptions): UpstreamHealth {
  const { chooseProfile, onLog, onRecovery, onChange } = options
  const { url } = connection
  let models: readonly ServedModel[] = []
  let problem: string | null = 'it has not been asked yet'
  let warnings: readonly string[] = []
  let lastHeard = -Infinity
  let lost = new AbortController()

  function setProblem(next: string | null): void {
    if (next === problem) return
    logProblem(next)
    if (next === null) onRecovery()
    const wasWell = problem === null
    problem = next
    if (wasWell) loseAll(next)
    onChange()
  }

  function logProblem(next: string | null): void {
    const fields = { url, models: models.map(({ id }) => id) }
    if (next === null) onLog?.('info', 'upstream is well', fields)
    else onLog?.('warn', `upstream has a problem: ${next}`, fields)
  }

  function loseAll(reason: string | null): void {
    const gone = lost
    lost = new AbortController()
    gone.abort(lostUpstream(url, reason))
  }

  function setWarnings(next: readonly string[]): void {
    for (const warning of next) if (!warnings.includes(warning)) onLog?.('warn', warning, { url })
    warnings = next
  }

  return {
    models: () => models,
    problem: () => problem,
    warnings: () => warnings,
    lost: () => lost.signal,
    heard: () => void (lastHeard = performance.now()),
    failed: (error) => setProblem(describe(error)),
    async discover(signal) {
      try {
        const found = await discover(connection, chooseProfile, signal)
        ;({ models } = found)
        setWarnings(versionWarnings(found.models, found.version))
        setProblem(found.problem)
      } catch (error) {
        const isBusy = error instanceof SilentServer && performance.now() - lastHeard < BUSY_MILLISECONDS
        if (!signal.aborted && !isBusy) setProblem(describe(error))
      }
      onChange()
    },
  }
}

function lostUpstream(url: string, problem: string | null): GatewayError {
  const message = 'The OCR engine went away before it had begun with this page. Try again in a few seconds.'
  return new GatewayError('engine_unavailable', message, { cause: new Error(`${url}: ${problem}`) })
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
