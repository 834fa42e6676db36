import { randomUUID } from 'node:crypto'
import { GatewayError } from '../../errors.ts'
import type { PageImage } from '../../page/page.ts'
import type { ModelProfile, Sampling } from '../../profile/model-profile.ts'
import type { Question } from '../../profile/question.ts'
import type { Prompt } from '../engine.ts'
import type { UpstreamRequest } from '../../upstream/connection.ts'

/** Tokens left free for what the chat template adds around the prompt. */
const TEMPLATE_TOKENS = 64

/**
 * When vLLM itself ends a retry that loops, in tokens (since 0.17, https://github.com/vllm-project/vllm/pull/35451;
 * other servers ignore it). A loop of up to 128 tokens is also one of 128 to 256, so this finds all up to 256. It costs
 * at least 3,200 tokens by then: more than the gateway's most lenient measure, and more than sixty equal rows of an empty
 * table. It only bounds the cost of a loop when the gateway is busy or has lost the connection.
 */
const REPETITION_DETECTION = { min_pattern_size: 128, max_pattern_size: 256, min_count: 25 }

/** Returns the request that asks vLLM for one page: one user message, one image, everything said explicitly. */
export function pageRequest(prompt: Prompt): UpstreamRequest {
  return {
    method: 'POST',
    path: '/chat/completions',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      // Every page and every attempt needs its own: two requests of one id in flight corrupted the engine before
      // https://github.com/vllm-project/vllm/pull/27987 (see also vllm-project/vllm#10583).
      'x-request-id': `${prompt.requestId}-${randomUUID().slice(0, 8)}`,
      ...prompt.span?.headers,
    },
    body: requestBody(prompt),
  }
}

/**
 * Writes the body into one buffer, the image's base64 between the JSON before and after it: `JSON.stringify` would
 * look at each of its megabytes for something to escape.
 */
function requestBody(prompt: Prompt): Buffer {
  const { data, mediaType } = prompt.image
  const mark = `#${randomUUID()}#`
  const [before, after] = JSON.stringify(chatRequest(prompt, `data:${mediaType};base64,${mark}`)).split(mark)
  if (before === undefined || after === undefined) throw new TypeError('the request has no place for its image')
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
  const body = Buffer.allocUnsafe(Buffer.byteLength(before) + base64.length + Buffer.byteLength(after))
  let end = body.write(before, 0, 'utf8')
  end += body.write(base64, end, 'latin1')
  body.write(after, end, 'utf8')
  return body
}

function chatRequest({ question, image, attempt }: Prompt, imageUrl: string): Record<string, unknown> {
  const { id, profile } = question.model
  return {
    ...profile.extraBody,
    model: id,
    messages: messages(profile, question.prompt, imageUrl),
    ...explicit({ ...profile.sampling, ...attempt.sampling }),
    ...(attempt.number > 1 ? { repetition_detection: REPETITION_DETECTION } : {}),
    max_tokens: maxTokens(question, image),
    // Only for the tokens that were chosen: this is vLLM's own default, but perhaps not another server's.
    ...(question.confidence ? { logprobs: true, top_logprobs: 0 } : {}),
    stream: true,
    stream_options: { include_usage: true },
  }
}

/**
 * LightOnOCR must see the image alone; HunyuanOCR wants an empty system message, and the image before the text; olmOCR
 * the text before the image.
 */
function messages({ layout }: ModelProfile, prompt: string | null, imageUrl: string): readonly unknown[] {
  const { order, system, textPrefix = '' } = layout
  const image = { type: 'image_url', image_url: { url: imageUrl } }
  const text = prompt === null || order === 'image-only' ? [] : [{ type: 'text', text: textPrefix + prompt }]
  const content = order === 'text-then-image' ? [...text, image] : [image, ...text]
  return [...(system === null ? [] : [{ role: 'system', content: system }]), { role: 'user', content }]
}

/** Fills in vLLM's neutral values: what is left out would come from the model's `generation_config.json`. */
function explicit({ temperature, top_p, top_k = -1, repetition_penalty = 1, seed }: Sampling): Record<string, number> {
  return { temperature, top_p, top_k, repetition_penalty, ...(seed === undefined ? {} : { seed }) }
}

/**
 * Returns what is left of the context after the page image and the text. vLLM refuses `max_tokens` equal to the context
 * length, as the prompt's own text no longer fits, and without any a page that loops would fill all of it.
 */
function maxTokens({ model, prompt }: Question, image: PageImage): number {
  const imageTokens = model.profile.imageTokens({ width: image.width, height: image.height })
  // Two bytes a token is more than any script needs; the prompts are short.
  const textTokens = Math.ceil(Buffer.byteLength(prompt ?? '') / 2)
  const left = Math.floor(model.maxModelLen - imageTokens - textTokens - TEMPLATE_TOKENS)
  if (left >= 1) return Math.min(model.profile.maxOutputTokens, left)
  const message =
    `The page does not fit the context of the model \`${model.id}\`: its image takes about ${Math.ceil(imageTokens)} of ` +
    `${model.maxModelLen} tokens and leaves no room for text. Serve the model with a larger --max-model-len.`
  throw new GatewayError('engine_error', message, { retry: false, kind: 'too_long' })
}
