import { GatewayError } from '../errors.ts'
import type { ServedModel } from '../profile/model-profile.ts'
import { completionRequest } from '../wire/openai/completion-request.ts'
import type { RequestBody, RequestContext } from './context.ts'
import { checkForwardedCompletion } from './forwarded.ts'

// vLLM accepts and ignores fields that it does not know, and then invents a text from the prompt alone.
const unseenFields = ['image', 'images', 'image_url', 'image_data', 'file', 'files', 'document', 'multi_modal_data']

/**
 * Returns the model that the body of `POST /v1/completions` is for. Throws `image_not_seen` for a field with an image,
 * which vLLM would ignore, and `invalid_value` for a missing model and for one that completes no prompts.
 */
export async function readCompletion(
  body: RequestBody,
  { findModel }: Pick<RequestContext, 'findModel'>,
): Promise<ServedModel> {
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
  const model = await findModel(request.data.model)
  if (model.profile !== null) throw completesNothing(model)
  await checkForwardedCompletion(body)
  return model
}

/** A prompt holds no page: an OCR model would make up what it reads. LlamaIndex sends one unless told otherwise. */
function completesNothing({ id, profile }: ServedModel): GatewayError {
  const pin =
    profile?.isGeneral === true
      ? ` If it is no OCR model, its operator can say so: GATEWAY_MODEL_PROFILES=${id}=none.`
      : ''
  return new GatewayError(
    'invalid_value',
    `${id} reads documents and completes no prompts: what it says to one would be made up. Use /v1/chat/completions (in LlamaIndex: is_chat_model=True).${pin}`,
    { param: 'model' },
  )
}
