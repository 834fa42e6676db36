import type { ModelProfile } from '../../gateway/profile/model-profile.ts'
import type { OcrModel, OcrRequest } from '../../gateway/request/ocr-request.ts'

/** A profile with everything a test does not care about. */
export const plainProfile: ModelProfile = {
  id: 'plain',
  version: 1,
  match: [],
  pixelBudget: { longestEdge: 1540, maxPixels: 1540 * 1540 },
  imageMediaType: 'image/png',
  layout: { system: null, order: 'image-only' },
  tasks: { document: { text: null } },
  freePrompt: false,
  sampling: { temperature: 0.2, top_p: 0.9 },
  extraBody: {},
  defaultMaxModelLen: 16_384,
  maxOutputTokens: 12_288,
  imageTokens: () => 2145,
  clean: (text) => text,
}

/** A model with a given profile. */
export function makeModel(profile: Partial<ModelProfile> = {}): OcrModel {
  return {
    id: 'some-ocr',
    root: 'maker/some-ocr',
    parent: null,
    maxModelLen: 16_384,
    created: 0,
    ownedBy: 'vllm',
    engine: 'vllm',
    profile: { ...plainProfile, ...profile },
  }
}

/** A request with everything a test does not care about. */
export function makeRequest(parts: Partial<OcrRequest> = {}): OcrRequest {
  return {
    id: 'req_1',
    model: makeModel(),
    sources: [],
    pages: null,
    task: 'document',
    prompt: null,
    answersJson: false,
    output: 'markdown',
    pageSeparator: '\n\n---\n\n',
    onPageError: 'mark',
    cache: 'use',
    warnings: [],
    ...parts,
  }
}
