import { inlineSource, type Source, type SourceFacts } from '../../gateway/document/source.ts'

/** A source of these bytes, with everything a test does not care about. */
export function makeSource(bytes: Uint8Array, facts: Partial<SourceFacts> = {}): Source {
  return inlineSource(bytes, {
    param: 'the.field',
    filename: null,
    declaredMediaType: null,
    password: null,
    ...facts,
  })
}
