import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import { completionRequest } from '../wire/openai/completion-request.ts'
import type { RequestBody, RequestContext } from './context.ts'

// vLLM accepts and ignores fields that it does not know, and then invents a text from the prompt alone.
const unseenFields = ['image', 'images', 'image_url', 'image_data', 'file', 'files', 'document', 'multi_modal_data']

/**
 * Returns the model that the body of `POST /v1/completions` is for. Throws `image_not_seen` for a field with an image,
 * which vLLM would ignore, and `invalid_value` for a missing model and for one that completes no prompts.
 */
export async function readCompletion(
  { outline }: Pick<RequestBody, 'outline'>,
  { findModel }: Pick<RequestContext, 'findModel'>,
): Promise<ServedModel> {
  const request = completionRequest.safeParse(outline)
  const unseen = unseenFields.find((field) => Object.hasOwn(Object(outline), field))
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
  const model = await findModel(request.data.model)
  if (model.engine === 'vllm') return model
  throw new GatewayError(
    'invalid_value',
    `${model.id} reads documents and completes no prompts. Use /v1/chat/completions.`,
    { param: 'model' },
  )
}
