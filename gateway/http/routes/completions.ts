import { readCompletion } from '../../request/completion.ts'
import type { Upstreams } from '../../upstream/upstreams.ts'
import type { GatewayContext } from '../context.ts'
import { passThrough } from '../pass-through.ts'
import { readJson } from '../read-json.ts'
import { requestContext, type ReadServices } from '../request-context.ts'

/** What completions need. */
export interface CompletionsServices extends ReadServices {
  readonly upstreams: Upstreams
  readonly maxBodyBytes: number
}

/** `POST /v1/completions`: prompts go on to their upstream; an image, which nobody would look at, is refused. */
export function completions(services: CompletionsServices) {
  return async function completions(c: GatewayContext): Promise<Response> {
    const body = await readJson(c, services.maxBodyBytes)
    const model = await readCompletion(body, requestContext(c, services))
    return passThrough(c, services.upstreams, '/completions', model, body)
  }
}
