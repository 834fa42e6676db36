import { readCompletion } from '../../request/completion.ts'
import type { GatewayContext } from '../context.ts'
import { passThrough, type PassingServices } from '../pass-through.ts'
import { freeMemory } from '../../request/body/free-memory.ts'
import { readJson, type BodyServices } from '../read-json.ts'
import { requestContext, type RequestServices } from '../request-context.ts'

/** The services and limits of completions. */
export type CompletionsServices = RequestServices & BodyServices & PassingServices

/** `POST /v1/completions`: forwards prompts to their upstream, and refuses images, which vLLM would ignore. */
export function completions(services: CompletionsServices) {
  return async function completions(c: GatewayContext): Promise<Response> {
    const body = await readJson(c, services)
    const model = await readCompletion(body, requestContext(c, services)).catch((error: unknown) => {
      freeMemory(body.bytes)
      throw error
    })
    return passThrough(c, services, '/completions', { model, turn: null, changed: {} }, body)
  }
}
