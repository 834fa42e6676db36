import type { Block } from './block.ts'
import type { OutlinePage } from './outline.ts'

const NAMES: ReadonlySet<string> = new Set(
  'abstract zusammenfassung kurzfassung résumé resumen resumo riassunto sommario samenvatting sammanfattning streszczenie аннотация реферат 摘要 要旨 要約 抄録 概要 초록 요약'.split(
    ' ',
  ),
)
/** A paragraph that begins with the name, and a sign behind it. */
const RUN_IN = /^(?<name>[\p{L} ]{2,30}?)\s*(?<sign>[—–.:：-]|】|\]|\n)\s*/u
/** "【摘要】" */
const BRACKET = /^[[【]/
/** They follow an abstract, and are no part of it. */
const KEYWORDS =
  /^(?:key\s?words|index terms|ccs concepts|schl[üu]sselw[öo]rter|schlagw[öo]rter|mots[- ]cl[ée]s|palabras clave|palavras-chave|parole chiave|关键词|關鍵詞|キーワード|키워드|ключевые слова)/iu
const MAX_LENGTH = 10_000
/** A document that has not begun with one by then has none. */
const MAX_BLOCKS_BEFORE = 200
const MAX_START = 100
const MAX_BLOCKS = 8
/** Blocks that stand between the paragraphs of a text, and are no part of it. */
const ASIDE: ReadonlySet<Block['type']> = new Set(['header', 'footer', 'footnote', 'figure', 'caption', 'table'])

/** Tells whether a heading says that an abstract follows: "Abstract", "A B S T R A C T", "摘 要:". */
export function isAbstractName(text: string): boolean {
  return text.length <= 40 && NAMES.has(text.toLowerCase().replaceAll(/[\s:：.—–[\]【】-]+/g, ''))
}

/** Finds the abstract of a document, block by block: what follows its heading, or a paragraph that begins with its name. */
export function abstractAfter() {
  let state: 'before' | 'within' | 'after' = 'before'
  const parts: string[] = []
  let length = 0
  let seen = 0

  function take(text: string): void {
    if (text === '') return
    parts.push(text.slice(0, MAX_LENGTH - length))
    length += text.length
    if (length >= MAX_LENGTH || parts.length >= MAX_BLOCKS) state = 'after'
  }

  function begin(start: string, whole: () => string): void {
    const { 0: matched = '', groups } = RUN_IN.exec(start) ?? {}
    if (isAbstractName(start)) state = 'within'
    else if (isAbstractName(groups?.['name'] ?? '')) {
      take(whole().slice(matched.length))
      state = 'after'
    }
  }

  return {
    add(block: Block, plain: OutlinePage['plain']): void {
      if (state === 'after' || ASIDE.has(block.type)) return
      seen += 1
      const start = plain(block, MAX_START).replace(BRACKET, '')
      const whole = (): string => plain(block, MAX_LENGTH).replace(BRACKET, '')
      if (block.level !== null) state = state === 'within' ? 'after' : isAbstractName(start) ? 'within' : 'before'
      else if (state === 'before') begin(start, whole)
      else if (KEYWORDS.test(start)) state = 'after'
      else take(whole())
      if (state === 'before' && seen > MAX_BLOCKS_BEFORE) state = 'after'
    },
    end: (): string | null => (parts.length === 0 ? null : parts.join('\n\n')),
  }
}
