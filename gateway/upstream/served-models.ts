import { modelCard, modelList } from '../wire/vllm.ts'
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

/** The largest gateways to many servers list some thousand; each costs every request that names a model a look. */
const MAX_MODELS = 10_000

/**
 * Reads an answer of `GET /v1/models`; null when it is something else. A card without a usable name is left out. Throws
 * when there are too many to be right.
 */
export function readServedModels(body: unknown, chooseProfile: ChooseProfile): readonly ServedModel[] | null {
  const { success, data } = modelList.safeParse(body)
  if (!success) return null
  if (data.data.length > MAX_MODELS) throw new Error(`it lists more than ${MAX_MODELS} models`)
  const cards = data.data.flatMap((card) => modelCard.safeParse(card).data ?? [])
  // None at all is a server that serves none yet; many of which none has a name are no models.
  if (cards.length === 0 && data.data.length > 0) return null
  const bases = basesOf(cards)
  return cards.map((card) => servedModel(card, bases, chooseProfile))
}

/** Returns the cards by the names that adapters call their base model by; the first of a name counts. */
function basesOf(cards: readonly ModelCard[]): ReadonlyMap<string, ModelCard> {
  const bases = new Map<string, ModelCard>()
  for (const card of cards) {
    for (const name of [card.id, card.root ?? card.id]) if (!bases.has(name)) bases.set(name, card)
  }
  return bases
}

function servedModel(
  card: ModelCard,
  bases: ReadonlyMap<string, ModelCard>,
  chooseProfile: ChooseProfile,
): ServedModel {
  const entry = { id: card.id, root: card.root ?? card.id, parent: card.parent ?? null }
  const profile = chooseProfile(entry)
  // vLLM says the context length on the base model's card alone.
  const base = entry.parent === null ? undefined : bases.get(entry.parent)
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
