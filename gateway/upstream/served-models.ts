import { modelList } from '../wire/vllm.ts'
import type { ModelCard } from '../wire/vllm.ts'
import type { ModelProfile, ServedModel } from '../profile/model-profile.ts'

/** What decides which profile a served model gets. */
export interface ModelEntry {
  readonly id: string
  readonly root: string
  readonly parent: string | null
}

/** Chooses the profile of a served model; null when an operator marked it as no OCR model. */
export type ChooseProfile = (entry: ModelEntry) => ModelProfile | null

/** The context length said of a model that nobody else knows anything about. In tokens. */
const UNKNOWN_MAX_MODEL_LEN = 8192

/** Reads an answer of `GET /v1/models`; null when it is something else. */
export function readServedModels(body: unknown, chooseProfile: ChooseProfile): readonly ServedModel[] | null {
  const { success, data } = modelList.safeParse(body)
  if (!success) return null
  const cards = data.data
  return cards.map((card) => servedModel(card, cards, chooseProfile))
}

function servedModel(card: ModelCard, cards: readonly ModelCard[], chooseProfile: ChooseProfile): ServedModel {
  const entry = { id: card.id, root: card.root ?? card.id, parent: card.parent ?? null }
  const profile = chooseProfile(entry)
  // vLLM says the context length on the base model's card alone.
  const base = cards.find(({ id, root }) => id === entry.parent || root === entry.parent)
  return {
    ...entry,
    maxModelLen: card.max_model_len ?? base?.max_model_len ?? profile?.defaultMaxModelLen ?? UNKNOWN_MAX_MODEL_LEN,
    created: card.created ?? 0,
    ownedBy: card.owned_by ?? 'vllm',
    engine: 'vllm',
    profile,
  }
}

/**
 * Joins what several upstreams serve, in the order of their addresses: servers of one name are one model, with the
 * shortest of their context lengths, so that a page planned for it fits whichever is picked.
 */
export function joinServedModels(lists: readonly (readonly ServedModel[])[]): readonly ServedModel[] {
  const joined = new Map<string, ServedModel>()
  for (const model of lists.flat()) {
    const known = joined.get(model.id)
    joined.set(
      model.id,
      known === undefined ? model : { ...known, maxModelLen: Math.min(known.maxModelLen, model.maxModelLen) },
    )
  }
  return [...joined.values()]
}
