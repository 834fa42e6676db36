import { createHash } from 'node:crypto'

/** What goes wrong with a page's first answer. */
export type Fault =
  /** Repeats a few letters, or a line, until its tokens are used up. */
  | 'loop'
  /** Ends in the middle, its tokens used up. */
  | 'cut_off'
  /** Says nothing. */
  | 'empty'
  /** Is about something else: once, or each time. */
  | 'invented'
  | 'always_invented'
  /** Leaves cells of a table open, each time. */
  | 'broken_table'

/** An answer of the model, as vLLM would end it. */
export interface GivenAnswer {
  readonly text: string
  readonly finishReason: 'stop' | 'length'
}

/** What a page allows to go wrong. */
export interface PageTraits {
  readonly document: string
  /** Whether facts are known of the document as a whole: of joins and running lines. */
  readonly isKnownWhole: boolean
  /** From 1. */
  readonly page: number
  readonly answer: string
  /** Whether the document itself has the text, so that another one can be told from it. */
  readonly hasLayer: boolean
}

/** Pages in ten whose first answer is right. */
const RIGHT_IN_TEN = 4
/** Less cannot be told from a wrong answer, or can be right as it is. */
const LEAST_CHARACTERS = 300

/**
 * Chooses what goes wrong with a page; null for nothing. By its name alone, so that it is the same in each run. Documents
 * of which facts are known as a whole have none: what is joined is to be seen by itself.
 */
export function chooseFault({ document, isKnownWhole, page, answer, hasLayer }: PageTraits): Fault | null {
  if (isKnownWhole) return null
  const hash = createHash('sha256').update(`${document}#${page}`).digest()
  const applicable: readonly Fault[] = [
    ...(answer.length < LEAST_CHARACTERS ? [] : (['loop', 'cut_off', 'empty'] as const)),
    ...(hasLayer && answer.length >= LEAST_CHARACTERS ? (['invented', 'always_invented'] as const) : []),
    ...(answer.includes('</table>') ? (['broken_table', 'broken_table'] as const) : []),
  ]
  if (applicable.length === 0 || hash[0]! % 10 < RIGHT_IN_TEN) return null
  return applicable[hash[1]! % applicable.length]!
}

/** Returns what the model answers to a page for the first, second or later time. */
export function faultyAnswer(answer: string, fault: Fault | null, attempt: number): GivenAnswer {
  const right = { text: answer, finishReason: 'stop' } as const
  if (fault === 'broken_table') return { ...right, text: withOpenCells(answer) }
  if (fault === 'always_invented') return { ...right, text: INVENTED }
  if (fault === null || attempt > 1) return right
  if (fault === 'empty') return { ...right, text: '' }
  if (fault === 'invented') return { ...right, text: INVENTED }
  const kept = answer.slice(0, Math.floor(answer.length / 3))
  const rest = fault === 'cut_off' ? '' : loopAfter(kept)
  return { text: kept + rest, finishReason: 'length' }
}

/** A loop of a few letters, or of a whole line: both are common. */
function loopAfter(kept: string): string {
  if (kept.length % 2 === 0) return ' no'.repeat(1500)
  return '\n\nThe rest of the page is the same as the page before.'.repeat(150)
}

function withOpenCells(answer: string): string {
  return answer.replaceAll(/<\/t[dhr]>\n?/g, '')
}

/** Basque, of which no page of the documents has a word. */
const INVENTED = `Udaberriko goiz batean arrantzaleak itsasora abiatu ziren, eta herriko umeek kaitik agurtu zituzten. Zerua garbi zegoen,
baina mendebaldetik haize hotza zetorren. Amonak leihotik begira geratu ziren, otoitzean bezala, itsasontzi txikiak urrunean
desagertu arte. Arratsaldean ekaitza heldu zen, eta portuko argiak piztu zituzten denek etxera bidea aurki zezaten. Gauerdian
bueltatu ziren guztiak, bustita baina osorik, eta sukaldean salda beroa prest zeukaten. Hurrengo egunean sareak konpondu zituzten
elkarrekin, kantuan eta barrezka, ekaitzak inoiz ez balie beldurrik eman bezala.`
