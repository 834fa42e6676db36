import OpenAI from 'openai'
import { loadConfig } from '../../gateway/config/load.ts'
import { startGateway, type RunningGateway } from '../../gateway/server.ts'

/** A gateway on a free port, in this process, with real sockets and threads. */
export interface TestGateway extends RunningGateway, AsyncDisposable {
  /** The official client, pointed at it; it never retries, so that every answer is seen. */
  readonly client: OpenAI
}

/** Starts a gateway with these settings; everything else has its default, except that it logs nothing. */
export async function startTestGateway(environment: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  const { config, problems } = loadConfig({
    GATEWAY_PORT: '0',
    GATEWAY_LOG_LEVEL: 'silent',
    GATEWAY_DRAIN_SECONDS: '1',
    GATEWAY_UPSTREAM_PATIENCE_SECONDS: '1',
    ...environment,
  })
  if (config === null) throw new Error(problems.join('\n'))
  const gateway = await startGateway(config)
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'unused', maxRetries: 0 })
  return { ...gateway, client, [Symbol.asyncDispose]: () => gateway.stop() }
}
