import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Which gateway is watched. */
export interface WatcherOptions {
  readonly pid: number
  readonly url: string
  /** The key whose pages are timed. */
  readonly key: string
  /** The pause between two of them; null: none are sent. */
  readonly pageEveryMs: number | null
  /** The gateway is killed when it holds more. */
  readonly endBeyondMegabytes: number
}

/** What was seen since the last look. */
export interface Watched {
  /** Of the gateway and all its descendants; what they share counts once. */
  readonly peakMegabytes: number
  /** The sum of what each of them calls resident. */
  readonly peakResidentMegabytes: number
  readonly lastMegabytes: number
  /** How long each `/health` took. */
  readonly healthMs: readonly number[]
  /** How long each request of one page took. */
  readonly pageMs: readonly number[]
  /** Of these requests. */
  readonly failures: readonly string[]
  /** Whether the gateway was killed because it held too much. */
  readonly wasEnded: boolean
}

/** A watcher in a process of its own. */
export interface Watcher extends AsyncDisposable {
  /** Returns what was seen since the last look. */
  look(): Promise<Watched>
}

/** Starts to watch a gateway. */
export function watchGateway(options: WatcherOptions): Watcher {
  const child = fork(join(import.meta.dirname, 'watcher.ts'), [JSON.stringify(options)])
  return {
    async look() {
      if (!child.connected) throw new Error('the watcher has ended')
      const answer = once(child, 'message')
      child.send('look')
      const [watched] = (await answer) as [Watched]
      return watched
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}
