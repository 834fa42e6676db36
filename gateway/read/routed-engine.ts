import type { Engine, EndDelta } from '../engine/engine.ts'

/** Makes one engine of several: each page goes to the one that its model is served by. */
export function routedEngine(engines: Readonly<Record<EndDelta['engine'], Engine>>): Engine {
  return (prompt, signal) => engines[prompt.model.engine](prompt, signal)
}
