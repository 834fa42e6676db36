import { z } from 'zod'
import type { ModelList } from '../../upstream/model-list.ts'
import type { Upstreams } from '../../upstream/upstreams.ts'
import { GatewayError } from '../../errors.ts'
import type { GatewayContext } from '../context.ts'
import { passThrough } from '../pass-through.ts'
import { readJson } from '../read-json.ts'

/** What completions need. */
export interface CompletionsServices {
  readonly models: ModelList
  readonly upstreams: Upstreams
  readonly maxBodyBytes: number
}

const completionRequest = z.looseObject({ model: z.string().min(1) })

// vLLM accepts and ignores fields that it does not know, and then invents a text out of the prompt alone.
const unseenFields = ['image', 'images', 'image_url', 'image_data', 'file', 'files', 'document', 'multi_modal_data']

/** `POST /v1/completions`: prompts go on to their upstream; an image, which nobody would look at, is refused. */
export function completions({ models, upstreams, maxBodyBytes }: CompletionsServices) {
  return async function completions(c: GatewayContext): Promise<Response> {
    const body = await readJson(c, maxBodyBytes)
    const request = completionRequest.safeParse(body.outline)
    const unseen = unseenFields.find((field) => Object.hasOwn(Object(body.outline), field))
    if (unseen !== undefined) {
      throw new GatewayError(
        'image_not_seen',
        'Completions never look at an image: the text would be made up. Send it to /v1/chat/completions, as an "image_url" or "file" content part.',
        { param: unseen },
      )
    }
    if (!request.success) {
      throw new GatewayError('invalid_value', 'model: expected the name of a model.', { param: 'model' })
    }
    const model = await models.find(request.data.model, c.req.raw.signal)
    if (model.engine === 'vllm') return passThrough(c, upstreams, '/completions', model, body)
    throw new GatewayError(
      'invalid_value',
      `${model.id} reads documents and completes no prompts. Use /v1/chat/completions.`,
      {
        param: 'model',
      },
    )
  }
}
