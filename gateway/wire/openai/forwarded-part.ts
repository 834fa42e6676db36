import { z } from 'zod'

// What vLLM reads beside a part's own fields is dangerous: whatever the type says, `uuid` beside `image_url` is an image
// that it fetches, and what it does not know goes into the chat template
// (vllm/renderers/chat_utils.py of 0.32: _parse_chat_message_content_mm_part, _collect_extra_fields).
// So these are strict, all of them.

/** A word or an id: no address. */
const label = z.string().regex(/^[\w.-]{0,200}$/, 'expected letters and digits')

/** What clients put beside a part's own fields, and means nothing to vLLM. */
const beside = {
  cache_control: z.strictObject({ type: label, ttl: label.optional() }).nullish(),
  annotations: z.array(z.never()).nullish(),
  logprobs: z.array(z.never()).nullish(),
  index: z.union([z.number(), label]).nullish(),
  id: label.nullish(),
}

const text = z.string().nullable()

/** The parts without documents that may reach an upstream. */
const textParts = [
  z.strictObject({ type: z.enum(['text', 'input_text', 'output_text']), text, ...beside }),
  z.strictObject({ type: z.literal('refusal'), refusal: text, ...beside }),
  z.strictObject({
    type: z.literal('thinking'),
    thinking: text,
    closed: z.boolean().optional(),
    signature: z.string().nullish(),
    ...beside,
  }),
  z.strictObject({ type: z.literal('tool_reference'), name: z.string() }),
] as const

const NOT_INLINE = 'expected the data itself, as a data URL; nothing is fetched from addresses'

const dataUrl = z.string().regex(/^data:/i, NOT_INLINE)

/** A data URL or base64; of a long one, the outline keeps the beginning, and a mark. */
const inline = z.string().regex(/^data:|^[\w+/=\s-]*(?:…\([0-9a-f]{16}\.\d+\))?$/i, NOT_INLINE)

const mediaType = z.string().regex(/^[\w./+-]{0,100}$/, 'expected a media type')

/** What the processors of vision models take with an image. */
const sizes = {
  detail: label.nullish(),
  min_pixels: z.number().nullish(),
  max_pixels: z.number().nullish(),
  fps: z.number().nullish(),
  ...beside,
}

const media = z.union(
  [
    dataUrl,
    z.strictObject({
      url: dataUrl,
      detail: label.nullish(),
      format: mediaType.nullish(),
    }),
  ],
  {
    error: NOT_INLINE,
  },
)

/** The parts with documents that may reach an upstream, for a model that is no OCR model. */
const mediaParts = [
  z.strictObject({ type: z.enum(['image_url', 'input_image']), image_url: media, ...sizes }),
  z.strictObject({ type: z.literal('video_url'), video_url: media, ...sizes }),
  z.strictObject({ type: z.literal('audio_url'), audio_url: media, ...beside }),
  z.strictObject({
    type: z.literal('input_audio'),
    input_audio: z.strictObject({ data: inline, format: z.string().regex(/^[\w.+-]{1,40}$/) }),
    ...beside,
  }),
  z.strictObject({
    type: z.literal('file'),
    file: z.strictObject({
      file_data: inline.nullish(),
      file_id: z
        .string()
        .regex(/^[\w.-]{1,200}$/, NOT_INLINE)
        .nullish(),
      filename: z.string().nullish(),
      format: mediaType.nullish(),
    }),
    ...beside,
  }),
] as const

/** A part of a chat that is passed on to an OCR model: text alone. */
export const forwardedText = z.discriminatedUnion('type', textParts, {
  error: 'a text is sent as {"type": "text", "text": "…"}; other types are text of answers (refusal, thinking)',
})

/** A part of a chat that is passed on to any other model: text, images, sound. */
export const forwardedPart = z.discriminatedUnion('type', [...textParts, ...mediaParts], {
  error: 'its type is none of text, image_url, input_image, video_url, audio_url, input_audio, file',
})
