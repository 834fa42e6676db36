import type { ChatBody } from './fake-vllm-answer.ts'
import { badRequest, invalidBody } from './fake-vllm-errors.ts'
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

/** Tokens that the chat template adds. */
const TEMPLATE_TOKENS = 12

/** Reads and checks the messages of a chat in vLLM's order, and decodes its image. Throws what vLLM would answer. */
export async function readPrompt(body: ChatBody, model: FakeModel): Promise<ReadPrompt> {
  if (!Array.isArray(body.messages)) {
    throw invalidBody("[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}]")
  }
  const messages = body.messages.map((message) => ({ role: String(message.role), parts: readParts(message.content) }))
  const parts = messages.flatMap((message) => message.parts)
  const images = parts.filter(({ type }) => type === 'image_url')
  if (images.length > MAX_IMAGES) {
    throw badRequest(
      `At most ${MAX_IMAGES} image(s) may be provided in one prompt. Set \`--limit-mm-per-prompt\` to increase this limit.`,
      'image',
    )
  }
  const [first] = images
  const image = first?.url === undefined ? null : await decodeImageUrl(first.url)
  const text = parts.map((part) => part.text ?? '').join('')
  const textTokens = TEMPLATE_TOKENS + Math.ceil(text.length / 4)
  return { messages, image, text, textTokens, tokens: textTokens + (image === null ? 0 : imageTokens(image, model)) }
}

/** Applies vLLM's limits on length. After the image is expanded, `max_tokens` is clamped without a word. */
export function checkLimits(body: ChatBody, { textTokens, tokens }: ReadPrompt, { maxModelLen }: FakeModel): void {
  const maxTokens = body.max_completion_tokens ?? body.max_tokens
  if (maxTokens !== undefined && maxTokens > maxModelLen) {
    throw badRequest(
      `max_tokens=${maxTokens} cannot be greater than max_model_len=${maxModelLen}. Please request fewer output tokens.`,
      'max_tokens',
    )
  }
  if (textTokens > maxModelLen - (maxTokens ?? 0)) {
    throw badRequest(
      `This model's maximum context length is ${maxModelLen} tokens. However, you requested ${maxTokens ?? 0} output ` +
        `tokens and your prompt contains at least ${textTokens} input tokens.`,
      'input_tokens',
    )
  }
  if (tokens > maxModelLen) {
    throw badRequest(
      `The decoder prompt (length ${tokens}) is longer than the maximum model length of ${maxModelLen}. Make sure that ` +
        '`max_model_len` is no smaller than the number of text tokens plus multimodal tokens.',
    )
  }
}

function readParts(content: unknown): readonly Part[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) return []
  return content.map(readPart)
}

function readPart(part: unknown): Part {
  const { type, text, image_url: image } = part as { type?: string; text?: unknown; image_url?: { url?: unknown } }
  if (type === 'text') return { type, text: String(text) }
  if (type !== 'image_url') {
    throw badRequest(
      `Unsupported chat content part type: '${type}'. Supported types: audio_url, image_url, input_audio, text, video_url.`,
      'type',
    )
  }
  if (typeof image !== 'object' || typeof image.url !== 'string') {
    throw invalidBody("[{'type': 'dict_type', 'loc': ('body', 'messages', 0, 'content', 0, 'image_url')}]")
  }
  if (image.url === '') {
    throw badRequest("multi_modal_data['image'] is empty but multi_modal_uuids['image'] is missing.")
  }
  return { type, url: image.url }
}

/** Patches of 28 for LightOnOCR, which shrinks to 1540; of 32 and a column more for HunyuanOCR. */
function imageTokens({ width, height }: SeenImage, { layout }: FakeModel): number {
  if (layout === 'hunyuanocr') return Math.round(height / 32) * (Math.round(width / 32) + 1) + 2
  const scale = Math.min(1, 1540 / Math.max(width, height))
  return Math.ceil((width * scale) / 28) * Math.ceil((height * scale) / 28)
}
