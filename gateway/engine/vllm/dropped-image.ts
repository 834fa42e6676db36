import { GatewayError } from '../../errors.ts'
import type { Prompt, Usage } from '../engine.ts'

/** A prompt with its image has about the image's tokens; the profiles' formulas are right to a few per cent. */
const MAX_IMAGE_SHARE = 0.25
/** What a chat template, and a system message of the server's own, add to a text. */
const MAX_TEMPLATE_TOKENS = 48

/**
 * Returns what to throw when an engine has not seen the page image: it counted no more tokens than the text of the prompt
 * has. What then comes looks like a page and is made up. Null when it has seen the image, or does not count.
 */
export function droppedImage(url: string, { question, image }: Prompt, { promptTokens }: Usage): GatewayError | null {
  const imageTokens = question.model.profile.imageTokens(image)
  // A character is a token at most.
  const textTokens = MAX_TEMPLATE_TOKENS + (question.prompt?.length ?? 0)
  if (promptTokens === 0 || promptTokens > textTokens || promptTokens >= MAX_IMAGE_SHARE * imageTokens) return null
  return new GatewayError(
    'engine_error',
    `The upstream dropped the image: it counted ${promptTokens} tokens for a prompt whose page image has about ${Math.ceil(imageTokens)}, so its answer is not about the page. The served model must take images, and a proxy before it must pass image parts on.`,
    { cause: new Error(`${url} answered a prompt without its image`) },
  )
}
