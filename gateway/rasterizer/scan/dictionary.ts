import type { PdfFile } from '../pdf-file.ts'
import { type Entries, objectTokens } from '../pdf-object.ts'
import type { Pdfium } from '../pdfium/module.ts'

/** Entries that do not change what is painted, and those that are checked below. */
const KNOWN_ENTRIES = new Set(
  'Type Subtype Name Width Height BitsPerComponent ColorSpace Filter DecodeParms Length Interpolate Intent Metadata StructParent ID ImageMask Decode'.split(
    ' ',
  ),
)
const DECODE_NOTHING = ['[ 0 1 ]', '[ 0 1 0 1 0 1 ]', '[ 0.0 1.0 ]']
const DECODE_INVERTED = '[ 1 0 ]'

/** Returns the encoded bytes of the image's stream. */
export function rawContent(pdfium: Pdfium, image: number): Uint8Array<ArrayBuffer> | null {
  const { library } = pdfium
  const length = library.FPDFImageObj_GetImageDataRaw(image, 0, 0)
  if (length === 0) return null
  using room = pdfium.allocate(length)
  if (library.FPDFImageObj_GetImageDataRaw(image, room.address, length) !== length) return null
  return pdfium.bytes(room.address, length).slice()
}

/** A PDF may hold the same content twice: all dictionaries must agree, as it is unknown which one is on the page. */
export function isAlike(one: Entries | null, other: Entries): boolean {
  return one === other || (one !== null && isPlain(one) && tellingEntries(one) === tellingEntries(other))
}

/** Returns what tells one image of the same content from another. */
export function tellingEntries(entries: Entries): string {
  return ['Width', 'Height', 'BitsPerComponent', 'ColorSpace', 'Filter', 'DecodeParms', 'Decode', 'SMask', 'Mask', 'OC']
    .map((key) => entries.get(key)?.join(' ') ?? '')
    .join('; ')
}

/** Whether an image has no mask, no layer, no unusual decoding and no unknown entry. */
export function isPlain(dictionary: Entries): boolean {
  const decode = dictionary.get('Decode')?.join(' ')
  return (
    dictionary.keys().every((key) => KNOWN_ENTRIES.has(key)) &&
    (dictionary.get('ImageMask')?.[0] ?? 'false') === 'false' &&
    (decode === undefined || DECODE_NOTHING.includes(decode) || isInverted(dictionary))
  )
}

/** Whether a decode array turns black and white round. */
export function isInverted(dictionary: Entries): boolean {
  return dictionary.get('Decode')?.join(' ') === DECODE_INVERTED
}

/** Returns the name of an image's only filter, or what stands in its place. */
export function filterOf(dictionary: Entries): string {
  const filter = dictionary.get('Filter')?.join(' ') ?? ''
  return filter.replace(/^\[ (\S+) \]$/, '$1')
}

/** Returns 1 or 3 for a colour space that is practically gray or sRGB, 0 for one that is either, null for any other. */
export function colourChannels(colourSpace: readonly string[], file: PdfFile): 0 | 1 | 3 | null {
  const [first = '', second = '', third = ''] = colourSpace
  if (second === '0' && third === 'R') {
    const tokens = objectTokens(file, Number(first))
    return tokens === null || tokens[1] === '0' ? null : colourChannels(tokens, file)
  }
  const family = first === '[' ? second : first
  if (family === '/DeviceGray' || family === '/CalGray') return 1
  if (family === '/DeviceRGB' || family === '/CalRGB') return 3
  return family === '/ICCBased' ? 0 : null
}
