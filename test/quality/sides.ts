import { ocrOptions } from '../../gateway/wire/openai/ocr-options.ts'

/** One way in which the same documents are read by the same engine. */
export interface Side {
  readonly name: string
  readonly what: string
  /**
   * `direct`: without a gateway. `images`: the pages as pictures, drawn beforehand, through it. `document`: the document
   * itself.
   */
  readonly sends: 'direct' | 'images' | 'document'
  /** The `ocr` object; empty for `direct`. */
  readonly ocr: Readonly<Record<string, unknown>>
}

/** What a client asks the gateway for that wants Markdown to work with; what it does not know yet is not asked for. */
const WISHES: Readonly<Record<string, unknown>> = {
  join: true,
  headers: 'strip',
  footers: 'strip',
  tables: 'markdown',
}

/** Wishes that go together, by what they are about. */
const ABOUT = { joins: ['join'], headers: ['headers', 'footers'], tables: ['tables'] } as const

/** The options of the gateway that this version knows. */
export function knownWishes(): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(WISHES).filter(([name]) => name in ocrOptions.shape))
}

/** Facts about this are expected to come out better: what is asked for is known. */
export function expectedGains(): readonly string[] {
  const known = knownWishes()
  const about = Object.entries(ABOUT).filter(([, names]) => names.every((name) => name in known))
  return ['repaired', ...about.map(([what]) => what)]
}

/** Pages together as a client without a gateway puts them. Sides that send the document share the answers to its pages. */
const COMMON = { page_separator: '\n\n' }

const direct: Side = {
  name: 'direct',
  what: 'the first answer to each page, drawn at 200 dpi, one after the other',
  sends: 'direct',
  ocr: {},
}

/** The two that every engine is compared by. */
export function mainSides(more: Readonly<Record<string, unknown>> = {}): readonly Side[] {
  return [
    direct,
    {
      name: 'gateway',
      what: 'the document through the gateway, all of it switched on',
      sends: 'document',
      ocr: { ...COMMON, ...knownWishes(), ...more },
    },
  ]
}

/** What the parts of the gateway add: each switched on after the other, and then all but one. */
export function partSides(more: Readonly<Record<string, unknown>> = {}): readonly Side[] {
  const known = knownWishes()
  const without = Object.entries(ABOUT)
    .map(([about, names]) => ({ about, names: names as readonly string[] }))
    .filter(({ names }) => names.some((name) => name in known))
  return [
    {
      name: 'guard',
      what: 'the same pictures of pages through the gateway: answers are checked and asked for again',
      sends: 'images',
      ocr: { ...COMMON, cache: 'off', ...more },
    },
    {
      name: 'text layer',
      what: 'the document through the gateway, which draws it and compares answers with its text; pages stay alone',
      sends: 'document',
      ocr: { ...COMMON, ...more },
    },
    ...without.map(({ about, names }) => ({
      name: `without ${about}`,
      what: `as "gateway", but for ${names.map((name) => `\`${name}\``).join(' and ')}`,
      sends: 'document' as const,
      ocr: {
        ...COMMON,
        ...Object.fromEntries(Object.entries(known).filter(([name]) => !names.includes(name))),
        ...more,
      },
    })),
  ]
}

/** What preparing pages adds: for pages that lie on their side, or were scanned at a slant. */
export function preparationSides(): readonly Side[] {
  return [
    direct,
    { name: 'unprepared', what: 'through the gateway as they are', sends: 'document', ocr: { ...COMMON } },
    {
      name: 'gateway',
      what: 'through the gateway, with `prepare: {rotate, deskew}`',
      sends: 'document',
      ocr: { ...COMMON, prepare: { rotate: true, deskew: true } },
    },
  ]
}
