import type { ServedModel } from '../profile/model-profile.ts'
import type { ModelEntry, ModelList } from '../wire/openai/models.ts'

/** A model under a name that clients may use for it. */
export interface NamedModel {
  readonly name: string
  readonly model: ServedModel
}

/** Builds the list of models. */
export function modelList(models: readonly NamedModel[]): ModelList {
  return { object: 'list', data: models.map(modelEntry) }
}

/** Builds the entry of one model. */
export function modelEntry({ name, model }: NamedModel): ModelEntry {
  const { root, parent, created, ownedBy, maxModelLen, engine, profile } = model
  const readsDocuments = profile !== null
  return {
    id: name,
    object: 'model',
    created,
    owned_by: ownedBy,
    root,
    parent,
    max_model_len: engine === 'vllm' ? maxModelLen : null,
    type: 'base',
    capabilities: { completion_chat: true, vision: readsDocuments, ocr: readsDocuments },
  }
}
