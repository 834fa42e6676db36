/** How a page's last paragraph goes on with the next page's first one. */
export interface SentenceJoint {
  readonly kind: 'paragraph' | 'word'
  /** How many characters at the end of the first part are dropped: a hyphen. */
  readonly dropped: number
  /** What stands between the two parts. */
  readonly between: '' | ' '
}

/** Words that the gateway has seen with a hyphen within a line. */
export type Compounds = Pick<ReadonlySet<string>, 'has'>

/** A shorter paragraph may be a label, the line of an address, a heading that nobody marked. */
const MIN_LENGTH = 50
/** Before a hyphen, which is a sign of its own. */
const MIN_LENGTH_HYPHEN = 20
/** Signs of scripts whose words are not apart. */
const MIN_LENGTH_IDEOGRAPHS = 20
/** Where neither letters nor signs say that a sentence goes on, it must have begun long before. */
const MIN_LENGTH_CASELESS = 120

const HYPHEN = /[\p{L}\p{N}][-\u2010\u00AD]$/u
const ENDS_LOWER = /[\p{L}\p{M}\p{Nd},)%°\]’'&–—]$/u
const IDEOGRAPH = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー々〆`
const ENDS_IDEOGRAPH = new RegExp(`[${IDEOGRAPH}、，A-Za-z0-9]$`, 'u')
const BEGINS_IDEOGRAPH = new RegExp(`^[${IDEOGRAPH}]`, 'u')
const HAS_IDEOGRAPHS = new RegExp(`[${IDEOGRAPH}]{4}`, 'u')
const IDEOGRAPHIC_STOP = /[。！？；，、]/u
/** Letters of scripts that have no small and capital ones, and whose words stand apart; not those of Korean, whose lines break anywhere. */
const CASELESS = String.raw`\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Gujarati}\p{Script=Georgian}`
const ENDS_CASELESS = new RegExp(`[${CASELESS}،,]$`, 'u')
const BEGINS_CASELESS = new RegExp(`^(?=\\p{L})[${CASELESS}]`, 'u')
const STOP = /[.!?؟۔।॥:;؛…]/u

/** Formulas that are written as text: a sentence that leads to one, or from one, has its own line. */
const FORMULA = /[=<>≤≥≠≡≈∼≃≅∈∉∋⊂⊃⊆⊇∪∩∀∃→←↦⇒⇔∑∏∫√∂∇∞±×∘⋅∆\u{1D400}-\u{1D7FF}]|(?<!\p{L})[B-HJ-Z]$/u
/** Where a formula would stand. */
const BESIDE = 80

/** Tells how a paragraph goes on; null where it does not, or where that is doubtful. */
export function sentenceJoint(before: string, after: string, compounds: Compounds): SentenceJoint | null {
  if (FORMULA.test(before.slice(-BESIDE)) || FORMULA.test(after.slice(0, BESIDE))) return null
  if (/^\p{Ll}/u.test(after) || HYPHEN.test(before)) {
    if (HYPHEN.test(before)) return before.length >= MIN_LENGTH_HYPHEN ? hyphenJoint(before, after, compounds) : null
    // A salutation ends with a comma, and in many languages a small letter follows it.
    const isLong = before.length >= MIN_LENGTH && (!before.endsWith(',') || STOP.test(before) || before.length >= 80)
    if (!isLong || !ENDS_LOWER.test(before) || /[.!?]["'”’)\]]$/.test(before)) return null
    return isText(after) ? { kind: 'paragraph', dropped: 0, between: ' ' } : null
  }
  return ideographJoint(before, after) ?? caselessJoint(before, after)
}

/** A few words without a full stop are perhaps a header. */
function isText(after: string): boolean {
  return after.length >= 60 || /[.,;:!?…]["'”’)\]]*$/u.test(after) || STOP.test(after)
}

function ideographJoint(before: string, after: string): SentenceJoint | null {
  const isMeant =
    before.length >= MIN_LENGTH_IDEOGRAPHS &&
    HAS_IDEOGRAPHS.test(before) &&
    IDEOGRAPHIC_STOP.test(before) &&
    ENDS_IDEOGRAPH.test(before) &&
    BEGINS_IDEOGRAPH.test(after) &&
    IDEOGRAPHIC_STOP.test(after)
  return isMeant ? { kind: 'paragraph', dropped: 0, between: '' } : null
}

function caselessJoint(before: string, after: string): SentenceJoint | null {
  if (!ENDS_CASELESS.test(before) || !BEGINS_CASELESS.test(after) || !STOP.test(after)) return null
  const isMeant = /[،,]$/u.test(before) ? before.length >= MIN_LENGTH : isLongSentence(before)
  return isMeant ? { kind: 'paragraph', dropped: 0, between: ' ' } : null
}

/** Who ends sentences with stops has not ended this one. */
function isLongSentence(before: string): boolean {
  return before.length >= MIN_LENGTH_CASELESS && STOP.test(before)
}

/** Before these a hyphen stands for a part that follows: "Ein- und Ausgang", "pre- and post-war". */
const CONJUNCTION = /^(?:und|oder|bzw|sowie|and|et|och|eller|oraz|lub)(?![\p{L}])/u
/** So does it before these, but they end words, too: "pota-to", "Frau-en", "sail-or". */
const DOUBTFUL = /^(?:to|or|of|en|og|ou|bis|nebo|[aeiouy])(?![\p{L}])/u
/** Prefixes that are never a syllable alone. */
const PREFIX = /(?:^|[^\p{L}])(?:self|well|vice|quasi|pseudo|anglo|franco|socio)[-\u2010]$/iu
const PREFIX_EXCEPT = /^(?:ish|less|same|ness|ly)(?![\p{L}])/u

function hyphenJoint(before: string, after: string, compounds: Compounds): SentenceJoint | null {
  const keep: SentenceJoint = { kind: 'word', dropped: 0, between: '' }
  const drop: SentenceJoint = { kind: 'word', dropped: 1, between: '' }
  if (!/^[\p{L}\p{N}]/u.test(after)) return null
  if (before.endsWith('\u00AD')) return drop
  if (!/^\p{Ll}/u.test(after)) {
    // A capital letter, or a digit, does not follow within a word: the hyphen is its own. In German it is common.
    return /^[\p{Lu}\p{Nd}]/u.test(after) && isText(after) ? keep : null
  }
  if (DOUBTFUL.test(after)) return null
  if (CONJUNCTION.test(after)) return { kind: 'paragraph', dropped: 0, between: ' ' }
  if (/\p{N}[-\u2010]$/u.test(before)) return keep
  if (PREFIX.test(before) && !PREFIX_EXCEPT.test(after)) return keep
  const [left = ''] = /[\p{L}\p{M}]+[-\u2010]$/u.exec(before.slice(-80)) ?? []
  const [right = ''] = /^[\p{L}\p{M}]+/u.exec(after.slice(0, 80)) ?? []
  return compounds.has(`${left.slice(0, -1)}-${right}`.toLowerCase()) ? keep : drop
}
