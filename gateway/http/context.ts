import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Log } from '../telemetry/log.ts'

/** What a route tells of a request for its line in the access log. Never text of a document. */
export interface RequestRecord {
  key: string | null
  model: string | null
  stream: boolean
  documents: number | null
  pages: number | null
  cachedPages: number | null
  bytes: number | null
  errorCode: string | null
  /** Set by whoever goes on answering after the handler has returned; that one calls `end`. */
  streaming: boolean
  end: (status: number) => void
}

/** What the server and middleware lay down for the routes. */
export interface GatewayEnv {
  Bindings: HttpBindings
  Variables: {
    requestId: string
    log: Log
    record: RequestRecord
  }
}

/** Hono's context, with the gateway's variables. */
export type GatewayContext = Context<GatewayEnv>
