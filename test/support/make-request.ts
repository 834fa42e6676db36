import { ocrPages } from '../../gateway/page/page-range.ts'
import type { ModelProfile } from '../../gateway/profile/model-profile.ts'
import type { OcrModel } from '../../gateway/profile/question.ts'
import type { OcrRequest } from '../../gateway/request/ocr-request.ts'
import { imageOnlyProfile, servedModel } from './page-prompt.ts'

/** A model with a given profile. */
export function makeModel(profile: Partial<ModelProfile> = {}): OcrModel {
  return servedModel({ ...imageOnlyProfile, ...profile }, { id: 'some-ocr', root: 'maker/some-ocr' })
}

/** A request with everything a test does not care about. */
export function makeRequest(parts: Partial<OcrRequest> = {}): OcrRequest {
  return {
    id: 'req_1',
    model: makeModel(),
    sources: [],
    pages: null,
    pageNaming: ocrPages,
    task: 'document',
    prompt: null,
    answersJson: false,
    parsesContent: false,
    output: 'markdown',
    pageSeparator: '\n\n---\n\n',
    preparation: {},
    onPageError: 'mark',
    onDeadline: 'fail',
    cache: 'use',
    confidence: false,
    dryRun: false,
    turn: { lane: 'interactive', key: '', request: 'req_1' },
    deadline: null,
    warnings: [],
    ...parts,
  }
}
