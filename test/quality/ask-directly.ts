import { z } from 'zod'
import { createEmbeddedEngine, embeddedModel } from '../../gateway/engine/tesseract/engine.ts'
import { pageRequest } from '../../gateway/engine/vllm/page-request.ts'
import type { PageImage } from '../../gateway/page/page.ts'
import { chooseProfile } from '../../gateway/profile/profiles.ts'
import type { OcrModel } from '../../gateway/profile/question.ts'
import { collect } from '../../gateway/read/collect.ts'
import { promptOf, questionOf } from '../support/page-prompt.ts'

/** An engine without a gateway: one page image, one answer, whatever it is. */
export interface DirectEngine extends AsyncDisposable {
  /** Throws where the engine answers with an error. */
  read(image: PageImage): Promise<string>
}

/** The embedded engine by itself. */
export function tesseractDirectly(threads: number): DirectEngine {
  const engine = createEmbeddedEngine({ threads })
  const { profile } = embeddedModel
  if (profile === null) throw new TypeError('the embedded model has no profile')
  const model: OcrModel = { ...embeddedModel, profile }
  return {
    async read(image) {
      const prompt = await promptOf({ ...questionOf({ model }), image })
      const { text } = await collect(engine.recognize, prompt, new AbortController().signal)
      return text
    },
    [Symbol.asyncDispose]: () => engine.close(),
  }
}

const modelList = z.object({
  data: z.array(z.object({ id: z.string(), root: z.string().nullish(), max_model_len: z.int().nullish() })),
})
const completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }) })).min(1),
})

/** How a served model is reached. */
export interface Served {
  /** `http://…/v1` */
  readonly url: string
  readonly model: string
  readonly apiKey: string | null
}

/** A page takes a model minutes at most. */
const TIMEOUT_MS = 600_000

/**
 * A model that a server has, asked as its authors say: with the prompt, the layout of messages and the sampling that the
 * gateway asks it with at first. What differs is all that the gateway does besides.
 */
export async function modelDirectly({ url, model: id, apiKey }: Served): Promise<DirectEngine> {
  const headers = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }
  const { data } = modelList.parse(await getJson(`${url}/models`, { headers }))
  const served = data.find((each) => each.id === id)
  if (served === undefined)
    throw new Error(`${url} has no model ${id}; it has ${data.map((each) => each.id).join(', ')}`)
  const root = served.root ?? id
  const profile = chooseProfile({ id, root, parent: null }, new Map())
  if (profile === null) throw new Error(`${id} reads with its own client only, and cannot be asked for a page`)
  const maxModelLen = served.max_model_len ?? profile.defaultMaxModelLen
  const model: OcrModel = { id, root, parent: null, maxModelLen, created: 0, ownedBy: 'vllm', engine: 'vllm', profile }
  return {
    async read(image) {
      const { body } = pageRequest(await promptOf({ ...questionOf({ model }), image }))
      const { stream: _, stream_options: __, ...asked } = JSON.parse(String(body)) as Record<string, unknown>
      const answered = await getJson(`${url}/chat/completions`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ ...asked, stream: false }),
      })
      return completion.parse(answered).choices[0]?.message.content ?? ''
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

async function getJson(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${(await response.text()).slice(0, 300)}`)
  return response.json()
}
