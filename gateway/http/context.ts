import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Caller } from '../access/caller.ts'
import type { Log } from '../telemetry/log.ts'
import type { Span } from '../telemetry/span.ts'

/** What a request's line in the access log says. Never text of a document. */
export interface RequestRecord {
  key: string | null
  model: string | null
  stream: boolean
  documents: number | null
  pages: number | null
  cachedPages: number | null
  bytes: number | null
  errorCode: string | null
  /** Whether the answer goes on after the handler has returned; the code that sends it must then call `end`. */
  streaming: boolean
  end: (status: number) => void
}

/** What the server and the middleware set for the routes. */
export interface GatewayEnv {
  Bindings: HttpBindings
  Variables: {
    requestId: string
    log: Log
    record: RequestRecord
    /** Who asks; null where nobody is asked who it is. Set where a key is asked for. */
    caller: Caller | null
    /** What the answer says of the limits of its caller. */
    limitHeaders: Readonly<Record<string, string>>
    /** Undefined: the request is not traced. */
    span: Span | undefined
  }
}

/** Hono's context, with the gateway's variables. */
export type GatewayContext = Context<GatewayEnv>
