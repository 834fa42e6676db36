import { inlineSource, type Source } from '../document/source.ts'
import { GatewayError } from '../errors.ts'
import type { PageNaming } from '../page/page-range.ts'
import { AUTO_MODEL } from '../profile/model-profile.ts'
import type { OcrModel } from '../profile/question.ts'
import { mistralOcrRequest, type MistralOcrRequest } from '../wire/mistral/ocr-request.ts'
import { check } from './check.ts'
import { readPart, type DocumentPart } from './content-part.ts'
import type { RequestBody, RequestContext } from './context.ts'
import { createRequest, type RequestParts } from './create-request.ts'
import { ocrObjectNames, ocrObjectOptions } from './ocr-object.ts'
import type { FigureWish, OcrRequest, Warning } from './ocr-request.ts'
import { annotationSchema, extractors, DOCUMENT_FORMAT, openedTwice } from './mistral-annotation.ts'
import { completeOptions, type GivenOptions, type OcrOptions } from './options.ts'
import { findOthers, type FoundModels } from './routes.ts'
import { sourceOf } from './source.ts'
import { wholeTexts } from './whole-texts.ts'
import { zeroBasedRange } from './zero-based-range.ts'

/** How the answer of `POST /v1/ocr` is written. */
export interface MistralAnswer {
  /** The most images of the whole answer. */
  readonly imageLimit: number
  /** Smaller images are left out; in pixels of the page image. */
  readonly imageMinSize: number
  /** How tables are written that stand apart from the Markdown; null: they stand in it, as the model writes them. */
  readonly tableFormat: 'markdown' | 'html' | null
  /** Whether headers and footers stand apart from the Markdown, where the model tells them apart. */
  readonly headsApart: { readonly header: boolean; readonly footer: boolean }
  /** Whether the places of blocks are wanted, where the model was asked for them. */
  readonly includeBlocks: boolean
  /** Whether pictures that were cut out stand in the Markdown, and whether they stand in `images`. */
  readonly pictures: { readonly inMarkdown: boolean; readonly inImages: boolean }
  /** How large the document is, once it was opened. */
  readonly documentBytes: () => number | null
}

/** What `POST /v1/ocr` asks for. */
export interface MistralQuestion {
  readonly request: OcrRequest
  /** What annotates the whole document; null where that is not asked for. */
  readonly annotation: OcrRequest | null
  readonly answer: MistralAnswer
}

/** A document that came beside the options, as the file of a form. */
export interface AttachedFile {
  readonly bytes: Uint8Array
  /** The form's field. */
  readonly param: string
  readonly filename: string | null
  readonly mediaType: string | null
}

/** How `POST /v1/ocr` asks for pages. */
const pageNaming: PageNaming = { param: 'pages', first: 0 }

/**
 * Reads the body of `POST /v1/ocr`. Clients cannot all change the name of the model: one that is not served means
 * `default`. Throws the error of the first invalid field, and names the field.
 */
export async function readMistralOcr(
  body: RequestBody,
  context: RequestContext,
  isServed: (model: string) => boolean,
  file: AttachedFile | null = null,
): Promise<MistralQuestion> {
  const { document: held, ...rest } = Object(body.outline) as Record<string, unknown>
  const whole = wholeTexts(body)
  const asked = check(
    mistralOcrRequest,
    isRecord(body.outline) ? { ...(whole(rest) as object), document: held } : body.outline,
    '',
  )
  if (asked.ocr?.output === 'json') throw noOutput()
  const model = await ocrModel(asked.model ?? '', context, isServed)
  const schema = annotationSchema(asked, model)
  const given = ocrObjectOptions(asked.ocr ?? {})
  const options = completeOptions(
    {
      ...given,
      task: given.task ?? taskOf(asked, model),
      ...headsOf(asked, given.task, model),
      pages: pagesOf(asked) ?? given.pages,
      confidence: given.confidence ?? (isAsked(asked.confidence_scores_granularity) || undefined),
      patienceSeconds: context.patienceSeconds,
      // Of the annotation, where there is one.
      minConfidence: schema === null ? given.minConfidence : undefined,
    },
    ocrObjectNames,
  )
  const others = await findOthers(model, options, context)
  const { source, bytes } = measured(
    file === null ? await sourceOf(documentIn(held), options, body, context) : attached(file, options),
  )
  const [read, annotated] = schema === null || options.dryRun ? [source, null] : openedTwice(source)
  const naming = isAsked(asked.ocr?.pages) ? {} : { pageNaming }
  const parts = { model, userText: '', options, names: ocrObjectNames, ...naming }
  const request = createRequest({ ...parts, others, sources: [read] }, context)
  const bound = { minConfidence: given.minConfidence ?? null }
  return {
    request: {
      ...request,
      join: null,
      warnings: [...request.warnings, ...ignored(asked, request)],
      figures: figuresOf(asked, request.figures ?? null),
    },
    annotation:
      annotated === null
        ? null
        : createRequest(
            {
              ...parts,
              sources: [annotated],
              ...annotationParts(schema, { ...options, ...bound }, asked, model, others),
            },
            context,
          ),
    answer: { ...imageBounds(asked), ...shapeOf(asked), documentBytes: bytes },
  }
}

/** Where the model marks no blocks, headers and footers are found by what stands on the pages around them. */
function headsOf(
  asked: MistralOcrRequest,
  task: string | null | undefined,
  { profile }: OcrModel,
): Pick<GivenOptions, 'headers' | 'footers'> {
  const { headers, footers } = asked.ocr ?? {}
  const isMarked = profile.findBlocks !== undefined && (task ?? LAYOUT) === LAYOUT
  const separate = (isAsked: boolean | null | undefined) => (isAsked === true && !isMarked ? 'separate' : undefined)
  return { headers: headers ?? separate(asked.extract_header), footers: footers ?? separate(asked.extract_footer) }
}

const LAYOUT = 'layout'

/** Only a layout tells headers and footers apart. */
function taskOf(asked: MistralOcrRequest, { profile }: OcrModel): string | undefined {
  return wantsHeads(asked) && profile.findBlocks !== undefined ? 'layout' : undefined
}

const wantsHeads = (asked: MistralOcrRequest): boolean => asked.extract_header === true || asked.extract_footer === true

function shapeOf(
  asked: MistralOcrRequest,
): Pick<MistralAnswer, 'tableFormat' | 'headsApart' | 'includeBlocks' | 'pictures'> {
  return {
    tableFormat: asked.table_format ?? null,
    headsApart: { header: asked.extract_header === true, footer: asked.extract_footer === true },
    includeBlocks: asked.include_blocks !== false,
    pictures: picturesOf(asked),
  }
}

/** The fields of a schema are looked for on each page, as chat completions do for an answer of a schema. */
function annotationParts(
  schema: Readonly<Record<string, unknown>> | null,
  { pages, cache, password, preparation, lane, patienceSeconds, minConfidence }: OcrOptions,
  asked: MistralOcrRequest,
  model: OcrModel,
  others: FoundModels,
): Pick<RequestParts, 'options' | 'userText' | 'names' | 'others'> {
  const given = { pages: pages ?? undefined, cache, password, preparation, lane, patienceSeconds, minConfidence }
  const options = completeOptions({ ...given, answerFormat: { schema } }, ocrObjectNames)
  return {
    options,
    userText: asked.document_annotation_prompt?.trim() ?? '',
    names: { ...ocrObjectNames, answerFormat: DOCUMENT_FORMAT },
    others: extractors(others, asked, model),
  }
}

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
const isAsked = (value: unknown): boolean => value !== null && value !== undefined

/** Returns the source of a form's file. */
function attached(
  { bytes, param, filename, mediaType }: AttachedFile,
  { password }: { readonly password: string | null },
): Source {
  return inlineSource(bytes, { param, filename, declaredMediaType: mediaType, password })
}

/** Finds the document: a chunk in one of the spellings of a chat's parts, or a bare data URL. */
function documentIn(value: unknown): DocumentPart {
  if (isAsked(value)) {
    const part = readPart(value, 'document')
    if (part.kind === 'document') return part
    if (part.kind === 'text' && typeof value === 'string') {
      return { kind: 'document', data: value, isId: false, param: 'document', filename: null, mediaType: null }
    }
  }
  throw new GatewayError(
    'invalid_value',
    'document: expected {"type": "document_url", "document_url": "data:application/pdf;base64,…"}, {"type": "image_url", "image_url": "data:image/png;base64,…"} or {"type": "file", "file_id": "…"}.',
    { param: 'document' },
  )
}

/** Returns the served model of a name that is served, and the default for any other. */
export async function ocrModel(
  name: string,
  { findModel }: Pick<RequestContext, 'findModel'>,
  isServed: (model: string) => boolean,
): Promise<OcrModel> {
  const model = await findModel(isServed(name) || name === AUTO_MODEL ? name : 'default')
  if (model.profile !== null) return { ...model, profile: model.profile }
  throw new GatewayError('invalid_value', `${model.id} is no OCR model here. Name one that is, or "default".`, {
    param: 'model',
  })
}

function pagesOf({ pages, ocr }: MistralOcrRequest): string | undefined {
  const range = zeroBasedRange(pages ?? null, pageNaming.param)
  if (range === null) return undefined
  if (!isAsked(ocr?.pages)) return range
  throw new GatewayError('invalid_value', 'Ask for pages either with "pages" or with "ocr.pages", not with both.', {
    param: 'ocr.pages',
  })
}

function imageBounds(asked: MistralOcrRequest): Pick<MistralAnswer, 'imageLimit' | 'imageMinSize'> {
  return { imageLimit: asked.image_limit ?? Infinity, imageMinSize: asked.image_min_size ?? 0 }
}

/** The writer of the answer names the pictures as Mistral does; what is not wanted at all is dropped from the text. */
function figuresOf(asked: MistralOcrRequest, wish: FigureWish | null): FigureWish | null {
  if (wish?.marks === 'drop') return wish
  const { imageLimit: limit, imageMinSize: minSize } = imageBounds(asked)
  const { inMarkdown, inImages } = picturesOf(asked)
  return inMarkdown || inImages ? { marks: 'keep', limit, minSize } : null
}

function picturesOf({ include_image_base64: isIncluded, ocr }: MistralOcrRequest): MistralAnswer['pictures'] {
  return { inMarkdown: ocr?.figures === 'embed', inImages: isIncluded === true || ocr?.figures === 'reference' }
}

function noOutput(): GatewayError {
  const message = 'ocr.output: the answer is an object of pages already; "markdown" and "text" say what each page is.'
  return new GatewayError('invalid_value', message, { param: 'ocr.output' })
}

/** Says which options had no effect; not those that Mistral's clients send unasked. */
function ignored(asked: MistralOcrRequest, { model, task, output, join, headers, footers }: OcrRequest): Warning[] {
  const tellsHeads = model.profile.findBlocks !== undefined && task === 'layout' && output === 'markdown'
  const granularity = asked.confidence_scores_granularity ?? 'page'
  const found = [
    ...(isAsked(asked.table_format) && output === 'text' ? ['table_format: plain text has no tables'] : []),
    ...(join == null ? [] : ['ocr.join: each page is an object of its own']),
    ...(asked.extract_header === true && !tellsHeads && headers === 'keep'
      ? ['extract_header: headers stay in the Markdown']
      : []),
    ...(asked.extract_footer === true && !tellsHeads && footers === 'keep'
      ? ['extract_footer: footers stay in the Markdown']
      : []),
    ...(granularity === 'page' ? [] : [`confidence_scores_granularity "${granularity}": scores are of whole pages`]),
  ]
  return found.map((what) => ({ code: 'option_ignored', message: `The option had no effect: ${what}.` }))
}

/** Returns the same source, and how many bytes it had when it was opened. */
function measured(source: Source): { readonly source: Source; readonly bytes: () => number | null } {
  let length: number | null = null
  const open: Source['open'] = async (signal) => {
    const bytes = await source.open(signal)
    length = bytes.length
    return bytes
  }
  return { source: { ...source, open }, bytes: () => length }
}
