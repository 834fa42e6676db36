import { stripFence } from './strip-fence.ts'

/** A page has no more elements, and takes no longer text. */
const MAX_ITEMS = 5000
const MAX_CHARACTERS = 1_000_000

/**
 * Reads the objects of a JSON list that a model has written, in a fence or not, or as the one list of an object. Of a list
 * that is cut off, or broken in one place, those that are whole. Null where there are none: then it is no such list.
 */
export function readItems(text: string): readonly Readonly<Record<string, unknown>>[] | null {
  if (text.length > MAX_CHARACTERS) return null
  const json = stripFence(text, ['json'])
    .trim()
    .replace(/^```json\s*\n/, '')
  if (!json.startsWith('[') && !json.startsWith('{')) return null
  const items = wholeList(json) ?? wholeObjects(json)
  return items.length === 0 ? null : items.slice(0, MAX_ITEMS)
}

type Item = Readonly<Record<string, unknown>>

function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wholeList(json: string): readonly Item[] | null {
  const value = parsed(json)
  if (Array.isArray(value)) return value.filter(isItem)
  if (!isItem(value)) return null
  const lists = Object.values(value).filter(
    (member): member is unknown[] => Array.isArray(member) && member.some(isItem),
  )
  return lists.length === 1 ? lists.flat().filter(isItem) : [value]
}

/** The beginning of an object that holds a list of others. */
const AROUND = /^\{\s*"\w{1,40}"\s*:\s*\[\s*(?=\{)/

/** Parses each object of a list by itself, and leaves out those that are not whole. */
function wholeObjects(text: string): readonly Item[] {
  const json = text.replace(AROUND, '')
  const items: Item[] = []
  let [depth, start, isText] = [0, 0, false]
  // Signs that are not of the structure are skipped by the expression itself.
  for (const { 0: sign, index } of json.matchAll(/\\.|["{}]/gs)) {
    if (sign === '"') isText = !isText
    if (isText || sign === '"' || sign.startsWith('\\')) continue
    if (sign === '{' && depth++ === 0) start = index
    if (sign === '}' && depth > 0 && --depth === 0) {
      const value = parsed(json.slice(start, index + 1))
      if (isItem(value)) items.push(value)
      if (items.length >= MAX_ITEMS) break
    }
  }
  return items
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
