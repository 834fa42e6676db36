import type { ChatBody } from './fake-vllm-answer.ts'
import { badParameter, badRequest, invalidBody } from './fake-vllm-errors.ts'
import { decodeImageUrl } from './fake-vllm-image.ts'
import type { SeenImage } from './fake-vllm-image.ts'
import type { FakeModel, Message } from './fake-vllm-models.ts'

/** The prompt of a chat, as the engine gets it. */
export interface ReadPrompt {
  readonly messages: readonly Message[]
  readonly image: SeenImage | null
  /** All text, in order. */
  readonly text: string
  readonly textTokens: number
  readonly imageTokens: number
  /** Of text and image. */
  readonly tokens: number
}

interface Part {
  readonly type: string
  readonly text?: string
  readonly url?: string
}

/** What the official OCR commands allow: `--limit-mm-per-prompt '{"image": 1}'`. */
const MAX_IMAGES = 1

/** `--max-logprobs` */
const MAX_LOGPROBS = 20

/** Tokens that the chat template adds. */
const TEMPLATE_TOKENS = 12

/** Reads and checks the messages of a chat in vLLM's order, and decodes its image. Throws what vLLM would answer. */
export async function readPrompt(body: ChatBody, model: FakeModel): Promise<ReadPrompt> {
  if (!Array.isArray(body.messages)) {
    const input = `<dict of ${Object.keys(body).length} items>`
    throw invalidBody(
      `{'type': 'missing', 'loc': 'body.messages', 'msg': 'Field required', 'input': '${input}'}`,
      'body.messages',
    )
  }
  if (body.messages.length === 0) {
    throw badRequest('Cannot apply chat template to an empty conversation. Provide at least one message.')
  }
  const messages = body.messages.map((message) => ({ role: String(message.role), parts: readParts(message.content) }))
  const parts = messages.flatMap((message) => message.parts)
  const images = parts.filter(({ type }) => type === 'image_url')
  if (images.length > MAX_IMAGES) {
    throw badRequest(`At most ${MAX_IMAGES} image(s) may be provided in one prompt. (parameter=image)`, 'image')
  }
  const [first] = images
  const image = first?.url === undefined ? null : await decodeImageUrl(first.url)
  const text = parts.map((part) => part.text ?? '').join('')
  const textTokens = TEMPLATE_TOKENS + Math.ceil(text.length / 4)
  const seenTokens = image === null ? 0 : imageTokens(image, model)
  return { messages, image, text, textTokens, imageTokens: seenTokens, tokens: textTokens + seenTokens }
}

/** Applies vLLM's limits on length. `max_tokens` is clamped to what the prompt leaves, without a word. */
export function checkLimits(body: ChatBody, prompt: ReadPrompt, { maxModelLen, encoderCacheTokens }: FakeModel): void {
  const { textTokens, tokens } = prompt
  const maxTokens = body.max_completion_tokens ?? body.max_tokens
  if (maxTokens !== undefined && maxTokens < 1)
    throw badParameter(`max_tokens must be at least 1, got ${maxTokens}.`, 'max_tokens', maxTokens)
  if (maxTokens !== undefined && maxTokens > maxModelLen) {
    throw badParameter(
      `max_tokens=${maxTokens} cannot be greater than max_model_len=${maxModelLen}. Please request fewer output tokens.`,
      'max_tokens',
      maxTokens,
    )
  }
  if (textTokens > maxModelLen) {
    throw badParameter(
      `This model's maximum context length is ${maxModelLen} tokens. However, your prompt contains at least ` +
        `${textTokens} input tokens, which exceeds this limit even without any output tokens. ` +
        'Please reduce the length of the input prompt.',
      'input_tokens',
      textTokens,
    )
  }
  if (tokens > maxModelLen)
    throw badRequest(`Input length (${tokens}) exceeds model's maximum context length (${maxModelLen}).`)
  if (encoderCacheTokens !== undefined && prompt.imageTokens > encoderCacheTokens) {
    throw badRequest(
      `The decoder prompt contains a(n) image item with ${prompt.imageTokens} embedding tokens, which exceeds the ` +
        `pre-allocated encoder cache size ${encoderCacheTokens}. Please reduce the input size or increase the encoder ` +
        'cache size by setting --limit-mm-per-prompt at startup.',
    )
  }
}

/** The parameters that vLLM refuses; it takes many more. */
export function checkParameters(body: ChatBody): void {
  const { temperature, top_p: topP, top_logprobs: topLogprobs, repetition_detection: detection } = body
  if (typeof temperature === 'string') {
    throw invalidBody(
      `{'type': 'float_parsing', 'loc': 'body.temperature', 'msg': 'Input should be a valid number, unable to parse ` +
        `string as a number', 'input': '${temperature}'}`,
      'body.temperature',
    )
  }
  if (typeof temperature === 'number' && temperature < 0) {
    const value = pythonFloat(temperature)
    throw badParameter(`temperature must be non-negative, got ${value}.`, 'temperature', value)
  }
  if (typeof topP === 'number' && (topP <= 0 || topP > 1))
    throw badParameter(`top_p must be in (0, 1], got ${pythonFloat(topP)}.`, 'top_p', pythonFloat(topP))
  if (typeof topLogprobs === 'number' && topLogprobs > MAX_LOGPROBS) {
    throw badParameter(
      `Requested sample logprobs of ${topLogprobs}, which is greater than max allowed: ${MAX_LOGPROBS}`,
      'logprobs',
      topLogprobs,
    )
  }
  const sizes = detection as { min_pattern_size?: number; max_pattern_size?: number } | undefined
  if ((sizes?.min_pattern_size ?? 0) > (sizes?.max_pattern_size ?? 0)) {
    throw badRequest(
      'max_pattern_size, min_pattern_size must be >=0, with min_pattern_size <= max_pattern_size. Set both to 0 to ' +
        'disable repetitive pattern detection.',
    )
  }
}

const pythonFloat = (value: number): string => (Number.isInteger(value) ? `${value}.0` : String(value))

function readParts(content: unknown): readonly Part[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) return []
  return content.map(readPart)
}

function readPart(part: unknown): Part {
  const { type, text, image_url: image, uuid } = part as ContentPart
  // What has a `uuid` is what its fields say, whatever its `type` says: a "text" with an address is fetched.
  const isImage = type === 'image_url' || (typeof uuid === 'string' && image !== undefined)
  if (type === 'text' && !isImage) return { type, text: String(text) }
  if (!isImage) {
    throw badRequest(
      `Unsupported chat content part type: '${type}'. Supported types: audio_embeds, audio_url, image_embeds, ` +
        'image_pil, image_url, input_audio, input_image, input_text, output_text, prompt_embeds, refusal, text, ' +
        `thinking, tool_reference, video_embeds, video_url. (parameter=type, value=${type})`,
      'type',
    )
  }
  if (typeof image !== 'object') {
    throw badRequest(
      '1 validation error for ChatCompletionContentPartImageParam\nimage_url\n  Input should be a valid dictionary ' +
        `[type=dict_type, input_value='${String(image)}', input_type=str]\n    For further information visit ` +
        'https://errors.pydantic.dev/2.14/v/dict_type',
    )
  }
  if (typeof image.url !== 'string' || image.url === '') {
    throw badRequest(
      "Failed to apply PixtralProcessor on data={'text': '<|image_pad|>', 'images': [None]} with " +
        "kwargs={'truncation': False, 'do_pad': True, 'return_tensors': 'pt'}",
    )
  }
  return { type: 'image_url', url: image.url }
}

interface ContentPart {
  readonly type?: string
  readonly text?: unknown
  readonly image_url?: string | { readonly url?: unknown }
  readonly uuid?: unknown
}

/** As the models' own processors count, by the recordings: `tokens-lightonocr.txt`, `tokens-hunyuanocr.txt`. */
function imageTokens(image: SeenImage, { layout }: FakeModel): number {
  return layout === 'hunyuanocr' ? hunyuanTokens(image) : pixtralTokens(image)
}

/** Patches of 28; longer edges than 1540 are shrunk. */
function pixtralTokens({ width, height }: SeenImage): number {
  const scale = Math.max(1, width / 1540, height / 1540)
  return Math.ceil(Math.floor(width / scale) / 28) * Math.ceil(Math.floor(height / scale) / 28)
}

/** Rounds halves to the even number, as Python does. */
function pythonRound(value: number): number {
  const rounded = Math.round(value)
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded
}

/** Patches of 32 and one more for each row, of 512² to 2048² pixels. */
function hunyuanTokens({ width, height }: SeenImage): number {
  if (Math.max(width, height) / Math.min(width, height) > 200) {
    throw badRequest(
      "Failed to apply HunYuanVLProcessor on data={'text': " +
        "'<｜hy_place▁holder▁no▁100｜><｜hy_place▁holder▁no▁102｜><｜hy_place▁holder▁no▁101｜>', 'images': " +
        `[<PIL.Image.Image image mode=RGB size=${width}x${height}>], 'return_text_replacement_offsets': True} with ` +
        "kwargs={'truncation': False, 'return_tensors': 'pt'}",
    )
  }
  let [columns, rows] = [Math.max(1, pythonRound(width / 32)), Math.max(1, pythonRound(height / 32))]
  const pixels = columns * rows * 32 * 32
  if (pixels > 2048 ** 2) {
    const scale = Math.sqrt((width * height) / 2048 ** 2)
    ;[columns, rows] = [Math.floor(width / scale / 32), Math.floor(height / scale / 32)]
  } else if (pixels < 512 ** 2) {
    const scale = Math.sqrt(512 ** 2 / (width * height))
    ;[columns, rows] = [Math.ceil((width * scale) / 32), Math.ceil((height * scale) / 32)]
  }
  return rows * (columns + 1) + 2
}
