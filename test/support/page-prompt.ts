import sharp from 'sharp'
import type { Prompt } from '../../gateway/engine/engine.ts'
import type { PageImage } from '../../gateway/page/page.ts'
import type { ModelProfile, ServedModel } from '../../gateway/profile/model-profile.ts'
import type { OcrModel, Question } from '../../gateway/profile/question.ts'
import { createAgreementLevel } from '../../gateway/read/evidence/agreement-level.ts'
import type { PageToRead } from '../../gateway/read/page-to-read.ts'
import { seededRandom } from './seeded-random.ts'
import { someone } from './turn.ts'

/** A profile shaped as LightOnOCR's: the image alone. Kept apart from the real ones, which change with their models. */
export const imageOnlyProfile: ModelProfile = {
  id: 'test-image-only',
  version: 1,
  match: [/./],
  pixelBudget: { longestEdge: 1540, maxPixels: 1540 * 1540 },
  imageMediaType: 'image/png',
  layout: { system: null, order: 'image-only' },
  tasks: { document: { text: null } },
  freePrompt: false,
  sampling: { temperature: 0.2, top_p: 0.9 },
  ladder: [{}, { temperature: 0.4 }, { temperature: 0.7 }],
  extraBody: {},
  defaultMaxModelLen: 16_384,
  maxOutputTokens: 4096,
  imageTokens: ({ width, height }) => Math.ceil(width / 28) * Math.ceil(height / 28),
  clean: (text) => text,
}

/** A profile shaped as HunyuanOCR's: an empty system message, the image, then a fixed text. */
export const imageThenTextProfile: ModelProfile = {
  ...imageOnlyProfile,
  id: 'test-image-then-text',
  layout: { system: '', order: 'image-then-text' },
  tasks: { document: { text: '提取图中的文字。' } },
  sampling: { temperature: 0, top_p: 1, top_k: -1, repetition_penalty: 1.08, seed: 1234 },
  extraBody: { skip_special_tokens: true },
}

/** Describes a served model with a profile. */
export function servedModel(profile: ModelProfile = imageOnlyProfile, model: Partial<ServedModel> = {}): OcrModel {
  const id = model.id ?? 'lightonai/LightOnOCR-2-1B'
  return {
    root: id,
    parent: null,
    maxModelLen: 16_384,
    created: 0,
    ownedBy: 'vllm',
    engine: 'vllm',
    ...model,
    id,
    profile,
  }
}

/** Draws a gray page image. */
export async function grayPageImage(width = 280, height = 140): Promise<PageImage> {
  const data = await sharp({ create: { width, height, channels: 3, background: '#888' } })
    .png()
    .toBuffer()
  return {
    data: new Uint8Array(data),
    mediaType: 'image/png',
    width,
    height,
    rasterizer: 'sharp',
    blank: false,
    warnings: [],
    textLayer: null,
  }
}

/** Draws a page image full of gray noise, in one channel as scans have it: many bytes, and no pixel like the next. */
export async function noisyPageImage(
  width: number,
  height: number,
  mediaType: PageImage['mediaType'] = 'image/png',
): Promise<PageImage> {
  const random = seededRandom(1)
  const pixels = Uint8Array.from({ length: width * height }, () => random.integer(60, 180))
  const image = sharp(pixels, { raw: { width, height, channels: 1 } }).toColourspace('b-w')
  const data = await (mediaType === 'image/png' ? image.png() : image.jpeg({ quality: 95 })).toBuffer()
  return { ...(await grayPageImage(1, 1)), data: new Uint8Array(data), mediaType, width, height }
}

/** Says what is asked about a page image. */
export function questionOf(question: Partial<Question> = {}): Question {
  const model = question.model ?? servedModel()
  return { model, task: 'document', prompt: model.profile.tasks.document.text, confidence: false, ...question }
}

/** Makes a page to be read, past the cache. */
export function pageToRead(page: Partial<Omit<PageToRead, 'question'>> & Partial<Question> = {}): PageToRead {
  const { model, task, prompt, confidence, ...rest } = page
  const asked = Object.fromEntries(
    Object.entries({ model, task, prompt, confidence }).filter(([, value]) => value !== undefined),
  )
  return {
    key: 'key',
    question: questionOf(asked),
    questionKey: 'question',
    cache: 'off',
    draw: () => grayPageImage(),
    drawCloser: null,
    format: 'application/pdf',
    requestId: 'request-1',
    turn: someone,
    attemptBudget: { take: () => true },
    level: createAgreementLevel(),
    refreshedImages: new Set(),
    ...rest,
  }
}

/** Makes a prompt: the first attempt at one page image. */
export async function promptOf(prompt: Partial<Omit<Prompt, 'question'>> & Partial<Question> = {}): Promise<Prompt> {
  const { question, requestId, turn } = pageToRead(prompt)
  const attempt = { number: 1, sampling: {}, tried: new Set<string>() }
  const { image = await grayPageImage() } = prompt
  return {
    question,
    image,
    requestId,
    turn,
    attempt,
    ...(prompt.attempt === undefined ? {} : { attempt: prompt.attempt }),
  }
}
