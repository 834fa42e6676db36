import type { StatusSnapshot } from '../wire/status.ts'
import { createEventLoop } from './event-loop.ts'
import { createSnapshots, type StatusSources } from './snapshot.ts'
import { createWatchers, type Watchers } from './watchers.ts'

/** How the gateway does, for its operator. */
export interface Status extends Disposable {
  look(): Promise<StatusSnapshot>
  readonly watchers: Watchers
}

/** Creates it. Nothing is looked at before somebody asks. */
export function createStatus(sources: StatusSources): Status {
  const loop = createEventLoop()
  const look = createSnapshots(sources, loop)
  const watchers = createWatchers({ look, onWatched: (isWatched) => (isWatched ? loop.watch() : loop.unwatch()) })
  return { look, watchers, [Symbol.dispose]: () => watchers.close() }
}
