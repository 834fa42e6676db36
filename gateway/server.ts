import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from './app.ts'
import type { Config } from './config/load.ts'
import { createListener, type Listener } from './http/listener.ts'
import { mostConnections } from './wiring/machine.ts'
import { createServices, type Services, type ServicesOptions } from './services.ts'

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
export async function startGateway(config: Config, options: ServicesOptions = {}): Promise<RunningGateway> {
  const services = createServices(config, options)
  // The first request should find the upstreams' models; one that hangs must not delay the start for long.
  await Promise.all([services.tracer.ready, services.upstreams.refresh(AbortSignal.timeout(MAX_FIRST_REFRESH_MS))])
  try {
    const listener = await listen(config, services)
    return { url: urlOf(listener.server), services, stop: () => stop(listener, services, config.GATEWAY_DRAIN_SECONDS) }
  } catch (error) {
    await services[Symbol.asyncDispose]()
    throw error
  }
}

async function listen(config: Config, services: Services): Promise<Listener> {
  const { GATEWAY_HOST: hostname, GATEWAY_PORT: port } = config
  const { log, metrics, lifecycle } = services
  const limits = {
    keepAliveSeconds: config.GATEWAY_KEEP_ALIVE_SECONDS,
    maxConnections: await mostConnections(config),
  }
  const listener = createListener(createApp(services), { log, metrics, lifecycle, hostname, ...limits })
  listener.server.listen(port, hostname)
  await once(listener.server, 'listening')
  return listener
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

async function stop(listener: Listener, services: Services, drainSeconds: number): Promise<void> {
  services.lifecycle.draining = true
  await listener.stop(drainSeconds)
  await services[Symbol.asyncDispose]()
}
