import { setTimeout as delay } from 'node:timers/promises'
import { failureOf, type Failure } from './failure.ts'
import { CommandError, DocumentError, EXIT } from './say.ts'

/** How long a gateway may be away before the command gives up; what all documents learn of it. */
export interface Patience {
  /**
   * Does something again and again, as long as that is of use. Throws a DocumentError, what ends the command, or the reason of
   * `cut`. Nothing is tried again once `stopping` is aborted: then throws its reason.
   */
  persist<T>(act: () => Promise<T>, ends: Ends): Promise<T>
  /** Something has come from the gateway. */
  heard(): void
}

/** When a command is to end. */
export interface Ends {
  /** Nothing new is begun. */
  readonly stopping: AbortSignal
  /** What runs is left. */
  readonly cut: AbortSignal
}

const MAX_HITCHES = 3
const FIRST_PAUSE_SECONDS = 0.5
const LONGEST_PAUSE_SECONDS = 15
/** Ten times what the gateway asks for. */
const LONGEST_ASKED_SECONDS = 600

/** Who is told that the gateway is away, and that it is back. */
export interface PatienceListener {
  away(message: string): void
  back(): void
}

/** Creates the patience of a command. */
export function createPatience(seconds: number, listener: PatienceListener): Patience {
  let awaySince: number | null = null
  const heard = (): void => {
    if (awaySince === null) return
    awaySince = null
    listener.back()
  }
  const missed = ({ message }: { readonly message: string }): void => {
    if (awaySince === null) listener.away(message)
    awaySince ??= performance.now()
    if (performance.now() - awaySince < seconds * 1000) return
    throw new CommandError(EXIT.unreachable, `Nothing could be read for ${seconds} s: ${message}`)
  }
  return {
    heard,
    async persist(act, { stopping, cut }) {
      const ending = AbortSignal.any([stopping, cut])
      let hitches = 0
      for (let tries = 1; ; tries += 1) {
        try {
          return await act()
        } catch (thrown) {
          cut.throwIfAborted()
          const failure = failureOf(thrown)
          if (isPassing(failure)) stopping.throwIfAborted()
          if (failure.kind === 'hitch') hitches += 1
          if (failure.kind === 'away') missed(failure)
          giveUp(failure, hitches)
          await pause(failure, tries, ending)
        }
      }
    },
  }
}

/** Whether another try may help. */
function isPassing({ kind }: Failure): boolean {
  return kind === 'away' || kind === 'busy' || kind === 'hitch'
}

function giveUp(failure: Failure, hitches: number): void {
  if (failure.kind === 'all') throw failure.error
  if (failure.kind === 'document' || hitches >= MAX_HITCHES) throw new DocumentError(failure.code, failure.message)
}

/** What stands between may ask for a day. */
function within(seconds: number): number {
  return Math.min(LONGEST_ASKED_SECONDS, Math.max(FIRST_PAUSE_SECONDS, seconds))
}

async function pause(failure: Failure, tries: number, signal: AbortSignal): Promise<void> {
  const asked = 'afterSeconds' in failure && failure.afterSeconds !== null ? within(failure.afterSeconds) : null
  const doubled = Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** Math.min(10, tries - 1))
  // Those that were refused together do not come back together.
  const seconds = (asked ?? doubled) * (0.75 + Math.random() / 2)
  await delay(seconds * 1000, undefined, { signal }).catch(() => signal.throwIfAborted())
}
