import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { loadConfig } from '../../gateway/config/load.ts'

import { startGateway, type RunningGateway } from '../../gateway/server.ts'
import type { ServicesOptions } from '../../gateway/services.ts'
import { checkAnswers } from './check-answers.ts'

/** The tests whose every answer is held against /openapi.json: those of promises, and those that ask in many ways. */
const CHECKED =
  /test\/(?:contract\/|service\/(?:access|background-responses|batch-files|batches|confidence|files|forwarded|http|inside|pass-through|passed-responses|process|request-body|streaming|usage|webhooks)\.test)/

/** A gateway on a free port, in this process, with real sockets and threads. */
export interface TestGateway extends RunningGateway, AsyncDisposable {
  /** The official client, pointed at it; it never retries, so that every answer is seen. */
  readonly client: OpenAI
}

/** Starts a gateway with these settings; everything else has its default, except that it logs nothing. */
export async function startTestGateway(
  environment: Readonly<Record<string, string>> = {},
  options: ServicesOptions = {},
): Promise<TestGateway> {
  const dataDir = mkdtempSync(join(tmpdir(), 'ocr-gateway-'))
  const { config, problems } = loadConfig({
    GATEWAY_PORT: '0',
    GATEWAY_LOG_LEVEL: 'silent',
    GATEWAY_DRAIN_SECONDS: '1',
    GATEWAY_UPSTREAM_PATIENCE_SECONDS: '1',
    GATEWAY_DATA_DIR: dataDir,
    ...environment,
  })
  if (config === null) throw new Error(problems.join('\n'))
  const gateway = await startGateway(config, options)
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'unused', maxRetries: 0 })
  const check = CHECKED.test(process.argv[1] ?? '') ? checkAnswers(gateway.url) : null
  const stop = async (): Promise<void> => {
    await gateway.stop()
    rmSync(dataDir, { recursive: true, force: true })
    check?.end()
  }
  return { ...gateway, client, stop, [Symbol.asyncDispose]: stop }
}
