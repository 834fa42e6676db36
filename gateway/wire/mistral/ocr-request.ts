import { z } from 'zod'
import { ocrOptions } from '../openai/ocr-options.ts'

const schema = z.record(z.string(), z.unknown(), 'expected a JSON schema').nullish()
/** Mistral's SDK in Python calls the schema by another name than its documentation does. */
const format = z
  .looseObject({
    type: z.string().nullish(),
    json_schema: z.looseObject({ schema, schema_definition: schema }).nullish(),
  })
  .nullish()
const page = z.int('expected a 0-based page number').nonnegative('expected a 0-based page number')
const flag = z.boolean('expected true or false').nullish()

/**
 * The body of `POST /v1/ocr`. Loose: clients send options that only some of Mistral's models have, some of them by
 * default, and none is a mistake. Where the document stands is read as in a chat's part.
 */
export const mistralOcrRequest = z.looseObject({
  model: z.string('expected the name of a model').nullish(),
  document: z.unknown(),
  /** 0-based. */
  pages: z
    .union([z.array(page).max(100_000), page, z.string().max(100_000)], {
      error: 'expected 0-based page numbers, as a list such as [0, 2] or as text such as "0-2,5"',
    })
    .nullish(),
  include_image_base64: flag,
  image_limit: z.int('expected a number of images, 0 or more').nonnegative().nullish(),
  image_min_size: z.number('expected a number of pixels, 0 or more').nonnegative().nullish(),
  table_format: z.enum(['markdown', 'html'], 'expected "markdown" or "html"').nullish(),
  extract_header: flag,
  extract_footer: flag,
  include_blocks: flag,
  confidence_scores_granularity: z.enum(['page', 'block', 'word'], 'expected "page", "block" or "word"').nullish(),
  bbox_annotation_format: format,
  document_annotation_format: format,
  document_annotation_prompt: z.string('expected a text').nullish(),
  /** The gateway's own options. */
  ocr: ocrOptions.nullish(),
})

/** The body of `POST /v1/ocr`. */
export type MistralOcrRequest = z.output<typeof mistralOcrRequest>
