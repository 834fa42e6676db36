/** A model as the fake serves it. */
export interface FakeModel {
  readonly id: string
  readonly root: string
  /** Base model of a LoRA adapter, whose card then has no context length. */
  readonly parent: string | null
  readonly maxModelLen: number
  /** An image of more tokens is refused; left out: none is. It follows from `--max-num-batched-tokens`. */
  readonly encoderCacheTokens?: number
  /** Which messages it understands: LightOnOCR's two layouts, HunyuanOCR's, or any. */
  readonly layout: 'lightonocr' | 'lightonocr-3' | 'hunyuanocr' | 'any'
  readonly created: number
}

/** Fills in a model from its name: `lightonai/LightOnOCR-2-1B` knows its layout and its context length. */
export function fakeModel(model: string | (Partial<FakeModel> & { readonly id: string })): FakeModel {
  const given = typeof model === 'string' ? { id: model } : model
  const root = given.root ?? given.id
  const hunyuan = /hunyuan/i.test(root)
  const lighton = /lightonocr-3/i.test(root) ? 'lightonocr-3' : /lighton/i.test(root) ? 'lightonocr' : 'any'
  return {
    root,
    parent: null,
    maxModelLen: hunyuan ? 32_768 : 16_384,
    layout: hunyuan ? 'hunyuanocr' : lighton,
    created: 1_760_000_000,
    ...given,
  }
}

/** The card of a model in `GET /v1/models`. */
export function modelCard(model: FakeModel): Record<string, unknown> {
  return {
    id: model.id,
    object: 'model',
    created: model.created,
    owned_by: 'vllm',
    root: model.root,
    parent: model.parent,
    max_model_len: model.parent === null ? model.maxModelLen : null,
    permission: [
      {
        id: 'modelperm-0123456789abcdef',
        object: 'model_permission',
        created: model.created,
        allow_create_engine: false,
        allow_sampling: true,
        allow_logprobs: true,
        allow_search_indices: false,
        allow_view: true,
        allow_fine_tuning: false,
        organization: '*',
        group: null,
        is_blocking: false,
      },
    ],
  }
}

/** One message of a chat, its content in parts. */
export interface Message {
  readonly role: string
  readonly parts: readonly { readonly type: string; readonly text?: string }[]
}

/** Says what a model would not understand about these messages: each of these makes the real one answer garbage. */
export function layoutProblems(layout: FakeModel['layout'], messages: readonly Message[]): readonly string[] {
  if (layout === 'any') return []
  const problems: string[] = []
  const system = messages[0]?.role === 'system' ? messages[0] : null
  const [user, ...others] = system === null ? messages : messages.slice(1)
  const isEmpty = system?.parts.every(({ text }) => text === '') === true
  if (layout === 'hunyuanocr' && !isEmpty) problems.push('HunyuanOCR needs an empty system message first')
  if (layout !== 'hunyuanocr' && system !== null) problems.push('LightOnOCR takes no system message')
  if (others.length > 0 || user?.role !== 'user') {
    problems.push(`one user message expected, got ${messages.map(({ role }) => role).join(', ')}`)
  }
  const types = (user?.parts ?? []).map(({ type }) => type).join(', ')
  const texts = (user?.parts ?? []).filter(({ type }) => type === 'text').map(({ text }) => text)
  if (layout === 'hunyuanocr' && types !== 'image_url, text') problems.push(`image then text expected, got ${types}`)
  if (layout === 'lightonocr' && types !== 'image_url') problems.push(`one image alone expected, got ${types}`)
  if (
    layout === 'lightonocr-3' &&
    !(types === 'image_url' || (types === 'image_url, text' && texts[0] === 'grounding'))
  ) {
    problems.push(`one image, or one image and "grounding" expected, got ${types}`)
  }
  return problems
}
