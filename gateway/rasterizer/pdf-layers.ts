import type { PdfFile } from './pdf-file.ts'
import { type Entries, entriesOf, objectTokens, valueAt } from './pdf-object.ts'

/** What may stand in the configuration of layers without a say in which of them are shown. */
const KNOWN_CONFIGURATION = new Set('Name Creator Order ListMode RBGroups Locked ON OFF BaseState'.split(' '))
const KNOWN_GROUP = new Set(['Type', 'Name'])
const KNOWN_MEMBERSHIP = new Set(['Type', 'OCGs', 'P'])
const PROPERTIES = '/OCProperties'

/**
 * Returns what tells whether content with a value of /OC is shown when a document is opened: ISO 32000-1, 8.11. Null where that is
 * not plainly said: where layers depend on use or zoom or an expression, or what they say of themselves is compressed.
 */
export function shownLayers(file: PdfFile): (value: readonly string[]) => boolean | null {
  let groups: Groups | null | undefined
  return (value) => {
    if (groups === undefined) groups = readGroups(file)
    return groups === null ? null : isShown(file, value, groups)
  }
}

interface Groups {
  readonly all: ReadonlySet<number>
  readonly off: ReadonlySet<number>
}

function readGroups(file: PdfFile): Groups | null {
  const [at, another] = file.placesOf(PROPERTIES)
  // With two of them, it would have to be known which catalog counts.
  if (at === undefined || another !== undefined) return null
  const properties = resolved(file, valueAt(file, at + PROPERTIES.length))
  if (properties?.keys().some((key) => key !== 'OCGs' && key !== 'D') !== false) return null
  const configuration = resolved(file, properties.get('D') ?? [])
  if (configuration?.keys().some((key) => !KNOWN_CONFIGURATION.has(key)) !== false) return null
  const base = configuration.get('BaseState')?.join(' ')
  const [all, off] = [references(properties.get('OCGs')), references(configuration.get('OFF') ?? ['[', ']'])]
  return all === null || off === null || (base !== undefined && base !== '/ON') ? null : { all, off }
}

function resolved(file: PdfFile, tokens: readonly string[]): Entries | null {
  const [first, second, third] = tokens
  if (first === '<<') return entriesOf(tokens)
  if (tokens.length !== 3 || second !== '0' || third !== 'R') return null
  const found = objectTokens(file, Number(first))
  return found?.[0] === '<<' ? entriesOf(found) : null
}

/** Returns the numbers of the objects in a list; null for a list with anything else. */
function references(tokens: readonly string[] | undefined): ReadonlySet<number> | null {
  const list = /^\[((?: \d+ 0 R)*) \]$/.exec(tokens?.join(' ') ?? '')?.[1]
  return list === undefined ? null : new Set((list.match(/\d+(?= 0 R)/g) ?? []).map(Number))
}

function isShown(file: PdfFile, value: readonly string[], groups: Groups): boolean | null {
  const entries = resolved(file, value)
  const type = entries?.get('Type')?.join(' ')
  if (type === '/OCG') return isGroupShown(file, Number(value[0]), groups)
  if (type !== '/OCMD' || !entries?.keys().every((key) => KNOWN_MEMBERSHIP.has(key))) return null
  const numbers = references(entries.get('OCGs'))
  if (numbers === null || numbers.size === 0) return null
  const shown = [...numbers].map((number) => isGroupShown(file, number, groups))
  if (shown.includes(null)) return null
  const policy = entries.get('P')?.join(' ') ?? '/AnyOn'
  if (policy === '/AnyOn') return shown.includes(true)
  if (policy === '/AllOn') return !shown.includes(false)
  if (policy === '/AnyOff') return shown.includes(false)
  return policy === '/AllOff' ? !shown.includes(true) : null
}

function isGroupShown(file: PdfFile, number: number, { all, off }: Groups): boolean | null {
  const group = resolved(file, [String(number), '0', 'R'])
  const isPlain = group?.get('Type')?.join(' ') === '/OCG' && group.keys().every((key) => KNOWN_GROUP.has(key))
  return isPlain && all.has(number) ? !off.has(number) : null
}
