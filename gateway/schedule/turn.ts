/** Whose work something is: what takes turns with what. */
export interface Turn {
  /** Interactive work goes before batch work, which still gets a share. */
  readonly lane: 'interactive' | 'batch'
  /** The name of the API key; keys take turns. */
  readonly key: string
  /** The request, by a name of the gateway's own; those of one key take turns. */
  readonly request: string
  /**
   * Calls back whenever the turn has become another's; returns how to end that. Left out where it never does. Work that
   * waits goes to its new place then.
   */
  readonly onChange?: (listener: () => void) => () => void
}

/** The turn of work that several have asked for. */
export interface SharedTurn {
  /** That of the most urgent asker: the first that is interactive, else the first. */
  readonly turn: Turn
  /** Adds an asker; returns how it leaves. When the last one leaves, the turn stays as it was. */
  readonly join: (turn: Turn) => () => void
}

/** Creates the turn of work; the asker that it begins for has yet to join. */
export function createSharedTurn(first: Turn): SharedTurn {
  const askers = new Set<{ readonly turn: Turn }>()
  const listeners = new Set<() => void>()
  // Copies: an asker's turn may itself be shared, and change.
  let current = copyOf(first)

  function update(): void {
    const turns = [...askers].map(({ turn }) => turn)
    const { lane, key, request } = current
    current = copyOf(turns.find((turn) => turn.lane === 'interactive') ?? turns[0] ?? current)
    const isSame = lane === current.lane && key === current.key && request === current.request
    if (!isSame) for (const listener of Array.from(listeners)) listener()
  }

  return {
    turn: {
      get lane() {
        return current.lane
      },
      get key() {
        return current.key
      },
      get request() {
        return current.request
      },
      onChange(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    join(turn) {
      // Not the turn itself: a request may ask for the same page twice.
      const asker = { turn }
      askers.add(asker)
      const forget = turn.onChange?.(update)
      update()
      return function leave() {
        forget?.()
        if (askers.delete(asker)) update()
      }
    },
  }
}

function copyOf({ lane, key, request }: Turn): Turn {
  return { lane, key, request }
}
