import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'

/** What bounds the connections of a server. */
export interface ConnectionLimits {
  /** Open at a time. */
  readonly max: number
  /** How long one may be open on which nothing was ever sent, in milliseconds. */
  readonly silentMs: number
  /** Called with how many there are, at each change. */
  readonly onCount: (connections: number) => void
  /** Called where one is closed to make room for another, or refused. */
  readonly onFull: () => void
}

/** The connections of a server. */
export interface Connections {
  /** Notes that a connection is asked something, until `idle`. */
  busy(socket: Duplex): void
  idle(socket: Duplex): void
  /** Leaves a connection open on which nothing was ever sent: balancers open some in advance. It has a time limit of its own. */
  keepSilent(socket: Duplex): void
  /** Ends those on which nothing was ever sent: to Node they are not idle. */
  endSilent(): void
}

/**
 * Bounds the connections of a server. At the limit the one that has been idle longest makes room, whoever holds it; where all are
 * at work, `refuse` ends the new one.
 */
export function boundConnections(
  server: Server,
  { max, silentMs, onCount, onFull }: ConnectionLimits,
  refuse: (socket: Duplex) => void,
): Connections {
  const open = new Set<Duplex>()
  /** The one that fell idle first comes first. */
  const idle = new Set<Duplex>()

  function makeRoom(newcomer: Duplex): void {
    onFull()
    const [oldest = newcomer] = idle
    // Its end is told a moment later, when many may have come.
    forget(oldest)
    if (oldest === newcomer) refuse(newcomer)
    else oldest.destroy()
  }

  function forget(socket: Duplex): void {
    idle.delete(socket)
    if (open.delete(socket)) onCount(open.size)
  }

  server.on('connection', (socket) => {
    open.add(socket)
    onCount(open.size)
    socket.once('close', () => forget(socket))
    if (open.size > max) makeRoom(socket)
    if (open.has(socket)) idle.add(socket)
  })
  return {
    busy: (socket) => void idle.delete(socket),
    idle(socket) {
      if (open.has(socket)) idle.add(socket)
    },
    keepSilent(socket) {
      const timer = setTimeout(() => {
        if (bytesReadOf(socket) === 0) socket.destroy()
      }, silentMs).unref()
      socket.once('close', () => clearTimeout(timer))
    },
    endSilent() {
      for (const socket of idle) if (bytesReadOf(socket) === 0) socket.destroy()
    },
  }
}

/** Returns how much a connection has ever been sent by its client. */
export function bytesReadOf(socket: Duplex & { readonly bytesRead?: number }): number {
  return socket.bytesRead ?? 0
}
