import type { TargetSize } from '../../page/target-size.ts'
import type { PdfFile } from '../pdf-file.ts'
import { type Entries, entriesOf, objectTokens } from '../pdf-object.ts'
import type { G4Image } from './bilevel.ts'

/** ISO 32000-1, table 11, without what only matters to other codes. */
const KNOWN_PARAMETERS = new Set(['K', 'Columns', 'Rows', 'BlackIs1', 'EncodedByteAlign', 'EndOfBlock', 'EndOfLine'])
const DEFAULT_COLUMNS = 1728

/**
 * Returns how an image behind `CCITTFaxDecode` is stored, when that is group 4 of its very size; null for anything else.
 */
export function readFax(
  dictionary: Entries,
  { width, height }: TargetSize,
  isInverted: boolean,
  file: PdfFile,
): G4Image | null {
  const parameters = parametersOf(dictionary, file)
  if (!parameters?.keys().every((key) => KNOWN_PARAMETERS.has(key))) return null
  const is = (key: string) => parameters.get(key)?.join(' ') === 'true'
  const number = (key: string, otherwise: number) => Number(parameters.get(key)?.join(' ') ?? otherwise)
  const rows = number('Rows', 0)
  const isGroup4 = number('K', 0) < 0 && !is('EndOfLine')
  if (!isGroup4 || number('Columns', DEFAULT_COLUMNS) !== width || (rows !== 0 && rows !== height)) return null
  return { width, height, alignsRows: is('EncodedByteAlign'), isLightOnDark: is('BlackIs1') !== isInverted }
}

function parametersOf(dictionary: Entries, file: PdfFile): Entries | null {
  const tokens = dictionary.get('DecodeParms') ?? []
  const isList = tokens[0] === '['
  // PDFium takes no list for a filter that is none, and none for a list.
  if (isList !== (dictionary.get('Filter')?.[0] === '[')) return null
  const inner = isList ? tokens.slice(1, -1) : tokens
  const [first, second, third] = inner
  if (inner.length === 3 && second === '0' && third === 'R') {
    const found = objectTokens(file, Number(first))
    return found?.[0] === '<<' ? entriesOf(found) : null
  }
  return first === '<<' ? entriesOf(inner) : null
}
