import sharp from 'sharp'
import type { PageImage } from '../../gateway/page/page.ts'
import { startFakeVllm } from '../fakes/fake-vllm.ts'
import type { KnownDocument } from './document.ts'
import { chooseFault, faultyAnswer, type Fault } from './faults.ts'

/** The model that the script plays. */
export const SCRIPTED_MODEL = 'lightonai/LightOnOCR-2-1B'

/** A vLLM that answers with what is known of the page that it is shown, and with the usual faults. */
export interface ScriptedModel extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/v1` */
  readonly url: string
  /** Begins with a document: pages that come from now on are its, and are asked for the first time. */
  begin(document: KnownDocument, images: readonly (PageImage | null)[]): Promise<void>
  /** What goes wrong with a page of it, from 1. */
  faultOf(page: number): Fault | null
}

interface ScriptedPage {
  readonly answer: string
  readonly fault: Fault | null
  /** Null for a page that could not be drawn. */
  readonly look: Uint8Array | null
  asked: number
}

/** Starts it. One document at a time: its pages are told from each other by what they look like. */
export async function startScriptedModel(): Promise<ScriptedModel> {
  let pages: readonly ScriptedPage[] = []
  const fake = await startFakeVllm({
    models: [SCRIPTED_MODEL],
    keepsRequests: false,
    async answer({ body }) {
      const image = imageOf(body?.messages)
      const page = image === null ? null : nearest(pages, await lookOf(image))
      if (page === null) return { text: '' }
      page.asked += 1
      return faultyAnswer(page.answer, page.fault, page.asked)
    },
  })
  return {
    url: fake.url,
    async begin({ name, facts, answers }, images) {
      const isKnownWhole = facts.some(({ page }) => page === 0)
      pages = await Promise.all(
        (answers ?? []).slice(0, images.length).map(async (answer, index) => {
          const image = images[index] ?? null
          const hasLayer = image?.textLayer != null && image.textLayer.isWhole && !image.textLayer.isOcr
          const traits = { document: name, isKnownWhole, page: index + 1, answer, hasLayer }
          const look = image === null ? null : await lookOfPage(image)
          return { answer, fault: chooseFault(traits), look, asked: 0 }
        }),
      )
    },
    faultOf: (page) => pages[page - 1]?.fault ?? null,
    [Symbol.asyncDispose]: () => fake.kill(),
  }
}

function imageOf(messages: readonly { readonly content?: unknown }[] = []): Buffer | null {
  for (const { content } of messages) {
    if (!Array.isArray(content)) continue
    for (const part of content as { image_url?: { url?: string } }[]) {
      const url = part.image_url?.url
      if (url !== undefined) return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')
    }
  }
  return null
}

/** Small enough that size and smoothing do not matter, and large enough that lines of text do. */
const LOOK = { width: 48, height: 64 } as const

async function lookOf(image: Buffer): Promise<Uint8Array> {
  return sharp(image)
    .flatten({ background: '#fff' })
    .resize({ ...LOOK, fit: 'fill' })
    .grayscale()
    .raw()
    .toBuffer()
}

/** Of pages that were begun with before: each is on every side. */
const looks = new WeakMap<PageImage, Uint8Array>()

async function lookOfPage(image: PageImage): Promise<Uint8Array> {
  const look = looks.get(image) ?? (await lookOf(Buffer.from(image.data)))
  looks.set(image, look)
  return look
}

function nearest(pages: readonly ScriptedPage[], look: Uint8Array): ScriptedPage | null {
  let best: { page: ScriptedPage; distance: number } | null = null
  for (const page of pages) {
    if (page.look === null) continue
    const distance = page.look.reduce((sum, light, at) => sum + Math.abs(light - look[at]!), 0)
    if (best === null || distance < best.distance) best = { page, distance }
  }
  return best?.page ?? null
}
