import { z } from 'zod'
import type { AnswerEnd, EngineName } from '../engine/engine.ts'
import { rasterizers, warningCodes } from '../page/page.ts'
import type { PageImage } from '../page/page.ts'
import { engineNames } from '../profile/model-profile.ts'

/** Why an attempt at a page did not count. */
export const attemptReasons = [
  'empty',
  'loop',
  'cut_off',
  'commentary',
  'echo',
  'garbled',
  'low_agreement',
  'aborted',
  'too_long',
  'engine_error',
  'engine_unavailable',
  'engine_timeout',
] as const

/** One of the reasons why an attempt did not count. */
export type AttemptReason = (typeof attemptReasons)[number]

const tokens = z.number().int().nonnegative()
const share = z.number().min(0).max(1)
const pixels = z.number().int().positive()

/**
 * What was read of a page, and how. The cache stores this object, and the ledger and the metrics are made from it, so a
 * new fact gets its field here.
 */
export const pageAnswer = z.object({
  /** Raw, as the engine wrote it; the pipeline cleans it. */
  text: z.string(),
  /** `stop` is the only good end. Null when nothing was answered. */
  finishReason: z.string().nullable(),
  /** Of the attempt whose text this is; estimated when the gateway cut a loop. */
  usage: z.object({ promptTokens: tokens, completionTokens: tokens }).readonly(),
  /** Pixels of the page image that the engine was shown; null when the page was not drawn. */
  width: pixels.nullable(),
  height: pixels.nullable(),
  /** Pixels for each inch of a PDF's page; null for images, and when the page was not drawn. */
  dpi: pixels.nullable(),
  /** The page was read in tiles: what a model says of places is about its tile. */
  isTiled: z.boolean(),
  rasterizer: z.enum(rasterizers).nullable(),
  /** The page has no ink, and no engine was asked. */
  blank: z.boolean(),
  /** What makes the text less certain. */
  warnings: z.array(z.object({ code: z.enum(warningCodes), message: z.string() }).readonly()).readonly(),
  engine: z.enum(engineNames),
  /** How often an engine was asked for this page; 1 for a blank page. */
  attempts: z.number().int().nonnegative(),
  /** Why attempts did not count, in order: one fewer than `attempts` when the last one did. */
  reasons: z.array(z.enum(attemptReasons)).readonly(),
  /** The share of the text layer's words and numbers that the answer holds; null when the two were not compared. */
  agreement: share.nullable(),
  /** Null when the engine gave none: it was not asked for it, it cannot tell, or it found no text. */
  confidence: z.object({ mean: share, lowest: share }).readonly().nullable(),
  /**
   * Of an answer that is JSON, how sure the engine was of each piece of the raw text: where the piece ends, and the logarithm of
   * its probability, 1 where that is not known. Left out, or null: nothing is known.
   */
  surePieces: z
    .array(z.tuple([z.number().int().nonnegative(), z.number()]).readonly())
    .readonly()
    .nullable()
    .optional(),
  /**
   * Where the parts of the raw text stand on the page image; null when the engine does not know, and for a page that was
   * read in tiles.
   */
  blocks: z
    .array(
      z.object({
        start: tokens,
        end: tokens,
        box: z.tuple([tokens, tokens, tokens, tokens]).readonly(),
        confidence: share.nullable(),
      }),
    )
    .readonly()
    .nullable(),
  /** The text is the document's own text layer: no answer counted. */
  isFallback: z.boolean(),
  /** The text is the document's own text layer, and no engine was asked: the page is plain print. Left out: it is not so. */
  isEasy: z.boolean().optional(),
  /** The engine has seen nothing but lines of print, one below the other; left out: it cannot tell. */
  isPlain: z.boolean().optional(),
  /** How this request got the answer: read now, found in the cache, or shared with a request that was reading it. */
  cache: z.enum(['hit', 'miss', 'joined']),
  /** The key under which the answer is stored for every page with the same image; null when it is not. */
  imageKey: z.string().nullable(),
})

/** What was read of a page, and how. */
export type PageAnswer = Readonly<z.infer<typeof pageAnswer>>

/** The deltas of an engine, joined, and how they ended. */
export interface EngineAnswer extends AnswerEnd {
  readonly text: string
}

/** Builds the answer of a page that was not read. */
export function unread(engine: EngineName): PageAnswer {
  return {
    text: '',
    finishReason: null,
    usage: { promptTokens: 0, completionTokens: 0 },
    width: null,
    height: null,
    dpi: null,
    isTiled: false,
    rasterizer: null,
    blank: false,
    warnings: [],
    engine,
    attempts: 0,
    reasons: [],
    agreement: null,
    confidence: null,
    blocks: null,
    isFallback: false,
    cache: 'miss',
    imageKey: null,
  }
}

/** Builds the answer of a page that was drawn and not read. */
export function drawn(image: PageImage, engine: EngineName): PageAnswer {
  const { width, height, dpi = null, tiles, rasterizer, blank, warnings } = image
  return { ...unread(engine), width, height, dpi, isTiled: tiles !== undefined, rasterizer, blank, warnings }
}

/** Builds the answer to a page image from one attempt at it. */
export function answered(image: PageImage, engine: EngineName, answer: EngineAnswer): PageAnswer {
  const { text, finishReason, usage, confidence, isPlain, surePieces = null, blocks = null } = answer
  const known = { ...(isPlain === undefined ? {} : { isPlain }), ...(surePieces === null ? {} : { surePieces }) }
  return { ...drawn(image, engine), text, finishReason, usage, confidence, ...known, blocks, attempts: 1 }
}

/**
 * Builds the answer to a page without ink. No engine is asked about it, because vision models invent a text
 * (https://github.com/allenai/olmocr/issues/292).
 */
export function blank(image: PageImage, engine: EngineName): PageAnswer {
  return { ...drawn(image, engine), finishReason: 'stop', attempts: 1 }
}

/** Tells whether a page's text is that of its document, which no model has written. */
export function isOfLayer({ isFallback, isEasy }: Pick<PageAnswer, 'isFallback' | 'isEasy'>): boolean {
  return isFallback || isEasy === true
}
