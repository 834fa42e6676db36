/** What a gateway tells the others that send pages to the same server. */
export interface ServerDemand {
  /** Its pages there, and those of them that the server has not begun. */
  readonly inFlight: number
  readonly unbegun: number
  /** Its pages that wait for room there. */
  readonly waiting: number
  /** How many pages of all gateways the server takes, as this one believes; `isSettled`: pages were counted for it. */
  readonly limit: number
  readonly isSettled: boolean
}

/** Whose places are shared, and who is told of changes. */
export interface SharingServer {
  /** Its base URL: all gateways know it by that. */
  readonly url: string
  readonly demand: () => ServerDemand
  /** Called with the limit that another gateway has found out. */
  readonly adopt: (limit: number, isSettled: boolean) => void
  /** Called when the part was set anew. */
  readonly onChange: () => void
}

/** A server's places, as far as they are this gateway's. */
export interface ServerShare {
  /** Whether this gateway finds out how many pages the server takes; else another one does. */
  leads(): boolean
  /** How many of so many places are this gateway's. */
  part(limit: number): number
  /** Pages of the other gateways at the server, and those of them that it has not begun, as they said last. */
  others(): { readonly active: number; readonly unbegun: number }
  /** How many gateways share it, this one included; null: nobody has said yet, or none does. */
  gateways(): number | null
  /** What an operator should know of it. */
  warnings(): readonly string[]
  /** Says that a page found no room. */
  wanted(): void
  /** Says that a page has left. */
  left(): void
}

/** The servers whose places are shared. */
export interface LimitShares {
  join(server: SharingServer): ServerShare
  close(): Promise<void>
}

/** Of a gateway that shares with nobody. */
export const unshared: LimitShares = {
  join: () => ({
    leads: () => true,
    part: (limit) => limit,
    others: () => ({ active: 0, unbegun: 0 }),
    gateways: () => null,
    warnings: () => [],
    wanted() {},
    left() {},
  }),
  close: async () => {},
}
