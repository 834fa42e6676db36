import { boxIn, formulaBlock, writeBlocks, type BlockLabel, type LaidBlock } from './layout-blocks.ts'
import { otslToHtml } from './otsl.ts'

/** The elements of DocTags that hold what a page says, by their tags. */
const LABELS: Readonly<Record<string, BlockLabel>> = {
  text: 'text',
  paragraph: 'text',
  title: 'title',
  section_header: 'section',
  list_item: 'list',
  caption: 'caption',
  footnote: 'footnote',
  page_header: 'header',
  page_footer: 'footer',
  formula: 'formula',
  code: 'code',
  picture: 'image',
  chart: 'image',
  otsl: 'table',
  table: 'table',
  document_index: 'table',
  checkbox_selected: 'text',
  checkbox_unselected: 'text',
}
const HEADER_LEVEL = 'section_header_level_'

const TAG = /<(\/?)([a-z_][a-z\d_+#]{0,40})>/gi
const CELL = /^(?:[felux]cel|ched|rhed|srow|nl)$/
const END = /<end_of_utterance>|<\|end_of_text\|>/g

/** What places are counted in. */
const FRAME = { width: 500, height: 500 }

/** More than any page has; of a longer answer only the tags are taken off. */
const MAX_CHARACTERS = 200_000

/** An element that is open. */
interface OpenElement {
  readonly tag: string
  readonly label: BlockLabel
  readonly places: number[]
  readonly captions: LaidBlock[]
  /** Of a list item; null in a list without numbers. */
  readonly number: number | null
  text: string
  language: string
}

/**
 * Makes Markdown of DocTags, which Docling's models write:
 * `<text><loc_109><loc_75><loc_393><loc_96>Intro paragraph.</text>`. Anything else stays as it is.
 */
export function blocksFromDoctags(text: string, task: string): string {
  const answer = text.replaceAll(END, '')
  if (!/<(?:doctag|loc_\d{1,3})>/.test(answer)) return answer === text ? text : answer.trim()
  if (answer.length > MAX_CHARACTERS) return answer.replaceAll(TAG, '').trim()
  return writeBlocks(createReader().read(answer), task)
}

function createReader() {
  const blocks: LaidBlock[] = []
  const open: OpenElement[] = []
  const lists: (number | null)[] = []

  const close = (): void => {
    const element = open.pop()
    if (element === undefined) return
    const found = blocksOf(element)
    const parent = open.at(-1)
    if (parent === undefined) blocks.push(...found)
    else parent.captions.push(...found)
  }
  const begin = (tag: string): void => {
    // Only a caption stands within another element, and only within a picture or a table.
    const around = tag === 'caption' && isAround(open[0]) ? 1 : 0
    while (open.length > around) close()
    const number = tag === 'list_item' ? (lists.at(-1) ?? null) : null
    if (number !== null) lists[lists.length - 1] = number + 1
    open.push({ tag, label: labelOf(tag) ?? 'text', places: [], captions: [], number, text: '', language: '' })
  }
  const see = (isEnd: boolean, tag: string): void => {
    const element = open.at(-1)
    if (tag === 'ordered_list' || tag === 'unordered_list') {
      close()
      if (isEnd) lists.pop()
      else lists.push(tag === 'ordered_list' ? 1 : null)
    } else if (labelOf(tag) !== undefined) {
      if (!isEnd) begin(tag)
      else if (open.some((it) => it.tag === tag)) while (open.length > 0 && open.at(-1)?.tag !== tag) close()
      if (isEnd && open.at(-1)?.tag === tag) close()
    } else if (element !== undefined) noteIn(element, tag)
  }
  return {
    read(answer: string): readonly LaidBlock[] {
      let end = 0
      const say = (text: string): void => {
        const element = open.at(-1)
        if (element !== undefined) element.text += text
        else if (text.trim() !== '') blocks.push({ label: 'text', box: null, text: text.trim() })
      }
      for (const match of answer.matchAll(TAG)) {
        const [all, slash, tag = ''] = match
        say(answer.slice(end, match.index))
        see(slash === '/', tag.toLowerCase())
        end = match.index + all.length
      }
      say(answer.slice(end))
      while (open.length > 0) close()
      return blocks
    },
  }
}

const isAround = (element: OpenElement | undefined): boolean => element?.label === 'image' || element?.label === 'table'

const labelOf = (tag: string): BlockLabel | undefined => (tag.startsWith(HEADER_LEVEL) ? 'section' : LABELS[tag])

/** Notes what a tag within an element says: a place, a table's cell, the language of code. What a picture shows is left out. */
function noteIn(element: OpenElement, tag: string): void {
  const [, place] = /^loc_(\d{1,3})$/.exec(tag) ?? []
  if (place !== undefined) element.places.push(Number(place))
  else if (CELL.test(tag)) element.text += `<${tag}>`
  else if (element.label === 'code') element.language ||= /^_(\w+)_$/.exec(tag)?.[1] ?? ''
}

function blocksOf(element: OpenElement): LaidBlock[] {
  const { label, places, captions } = element
  const block: LaidBlock = { label, box: boxIn(places.slice(0, 4), FRAME), text: markdownOf(element) }
  return label === 'table' ? [...captions, block] : [block, ...captions]
}

function markdownOf({ tag, label, text, number, language }: OpenElement): string {
  const said = text.trim()
  if (label === 'table') return otslToHtml(said)
  if (said === '') return ''
  if (label === 'title') return `# ${said}`
  if (label === 'section') return `${'#'.repeat(1 + levelOf(tag))} ${said}`
  if (label === 'formula') return formulaBlock(said)
  if (label === 'code') return `\`\`\`${language === 'unknown' ? '' : language.toLowerCase()}\n${said}\n\`\`\``
  if (label === 'list') return listItem(said, number)
  if (tag === 'checkbox_selected') return `☑ ${said}`
  return tag === 'checkbox_unselected' ? `☐ ${said}` : said
}

const levelOf = (tag: string): number => Math.min(5, Math.max(1, Number(tag.slice(HEADER_LEVEL.length)) || 1))

function listItem(text: string, number: number | null): string {
  if (/^\d{1,9}[.)]\s/.test(text)) return text
  return number === null ? `- ${text.replace(/^[-•·▪◦‣*]\s+/, '')}` : `${number}. ${text}`
}
