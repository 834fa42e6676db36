import { serve } from '@hono/node-server'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from './app.ts'
import type { Config } from './config/load.ts'
import { createServices, type Services } from './services.ts'

/** A gateway that listens. */
export interface RunningGateway {
  /** `http://127.0.0.1:8080` */
  readonly url: string
  readonly services: Services
  /** Drains: finishes what runs, takes nothing new, and stops. Aborts what takes longer than the drain time. */
  stop(): Promise<void>
}

const MAX_FIRST_REFRESH_MS = 3000

/** Starts a gateway and returns once it answers. Throws the system's error when it cannot listen. */
export async function startGateway(config: Config): Promise<RunningGateway> {
  const services = createServices(config)
  // The first request should find the upstreams' models; one that hangs must not delay the start for long.
  await services.upstreams.refresh(AbortSignal.timeout(MAX_FIRST_REFRESH_MS))
  try {
    const server = await listen(config, services)
    return { url: urlOf(server), services, stop: () => stop(server, services, config.GATEWAY_DRAIN_SECONDS) }
  } catch (error) {
    await services[Symbol.asyncDispose]()
    throw error
  }
}

async function listen({ GATEWAY_HOST: hostname, GATEWAY_PORT: port }: Config, services: Services): Promise<Server> {
  // Plain HTTP/1 is what `serve` makes when it is given no other `createServer`.
  const server = serve({ fetch: createApp(services).fetch, hostname, port, overrideGlobalObjects: false }) as Server
  await once(server, 'listening')
  return server
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

const IDLE_CHECK_MS = 100

async function stop(server: Server, services: Services, drainSeconds: number): Promise<void> {
  services.lifecycle.draining = true
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // close() ends the connections that are idle now; those that fall idle later would be kept alive for seconds.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  const cut = setTimeout(() => server.closeAllConnections(), drainSeconds * 1000)
  await closed
  clearInterval(idle)
  clearTimeout(cut)
  await services[Symbol.asyncDispose]()
}
