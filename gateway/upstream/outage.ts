import { GatewayError } from '../errors.ts'

/** No upstream that serves the model has been there for so long that waiting any longer is in vain. */
export class EngineOutage extends GatewayError {
  constructor(modelId: string) {
    super(
      'engine_unavailable',
      `No OCR engine serves the model \`${modelId}\` now. See the gateway's /ready, or try again later.`,
      { kind: 'outage' },
    )
  }
}

/** Measures how long nobody has served a model. */
export interface OutageClock {
  /** Says whether anybody serves it now. */
  note(isServed: boolean): void
  /** Tells whether nobody has for longer than the patience. */
  isOver(): boolean
}

/** Creates a clock that calls back when nobody has served the model for longer than the patience. */
export function createOutageClock(patienceSeconds: number, onOver: () => void): OutageClock {
  const patience = patienceSeconds * 1000
  let downSince: number | null = null
  let timer: NodeJS.Timeout | undefined

  function end(): void {
    // A timer may be a moment ahead of the clock: a page that comes in that moment would wait for one that has fired.
    downSince = -Infinity
    onOver()
  }

  return {
    note(isServed) {
      if (isServed) {
        downSince = null
        clearTimeout(timer)
        timer = undefined
        return
      }
      downSince ??= performance.now()
      if (timer !== undefined) return
      timer = setTimeout(end, Math.max(0, downSince + patience - performance.now()))
      timer.unref()
    },
    isOver: () => downSince !== null && performance.now() - downSince >= patience,
  }
}
