import { describeText } from '../describe-text.ts'
import { COMPOUND_FILE, readRootNames } from './compound-file.ts'
import { readPart, type LookedAt } from './looked-at.ts'
import { readEntryNames, readMimetypeEntry } from './zip-entries.ts'

/** A format that LibreOffice makes a PDF of. */
export interface OfficeFormat {
  readonly mediaType: string
  /** Without a dot; LibreOffice goes by it. */
  readonly extension: string
}

const OPEN_XML = 'application/vnd.openxmlformats-officedocument'

/** By the folder that only one kind of Open XML document has, in its archive. */
const OPEN_XML_FOLDERS: readonly (OfficeFormat & { readonly folder: string })[] = [
  { folder: 'word/', extension: 'docx', mediaType: `${OPEN_XML}.wordprocessingml.document` },
  { folder: 'xl/', extension: 'xlsx', mediaType: `${OPEN_XML}.spreadsheetml.sheet` },
  { folder: 'ppt/', extension: 'pptx', mediaType: `${OPEN_XML}.presentationml.presentation` },
  { folder: 'visio/', extension: 'vsdx', mediaType: 'application/vnd.ms-visio.drawing' },
]

const BINARY_WORKBOOK: OfficeFormat = {
  extension: 'xlsb',
  mediaType: 'application/vnd.ms-excel.sheet.binary.macroEnabled.12',
}

const OPEN_DOCUMENT = 'application/vnd.oasis.opendocument'

/** By what the first entry of the archive says. Of two that begin alike, the longer one first. */
const MIMETYPES: readonly OfficeFormat[] = [
  { extension: 'ott', mediaType: `${OPEN_DOCUMENT}.text-template` },
  { extension: 'odm', mediaType: `${OPEN_DOCUMENT}.text-master` },
  { extension: 'odt', mediaType: `${OPEN_DOCUMENT}.text` },
  { extension: 'ots', mediaType: `${OPEN_DOCUMENT}.spreadsheet-template` },
  { extension: 'ods', mediaType: `${OPEN_DOCUMENT}.spreadsheet` },
  { extension: 'otp', mediaType: `${OPEN_DOCUMENT}.presentation-template` },
  { extension: 'odp', mediaType: `${OPEN_DOCUMENT}.presentation` },
  { extension: 'otg', mediaType: `${OPEN_DOCUMENT}.graphics-template` },
  { extension: 'odg', mediaType: `${OPEN_DOCUMENT}.graphics` },
  { extension: 'epub', mediaType: 'application/epub+zip' },
]

/** By a stream at the root of a compound file. */
const STREAMS: readonly (OfficeFormat & { readonly stream: string })[] = [
  { stream: 'WordDocument', extension: 'doc', mediaType: 'application/msword' },
  { stream: 'Workbook', extension: 'xls', mediaType: 'application/vnd.ms-excel' },
  { stream: 'Book', extension: 'xls', mediaType: 'application/vnd.ms-excel' },
  { stream: 'PowerPoint Document', extension: 'ppt', mediaType: 'application/vnd.ms-powerpoint' },
  { stream: 'VisioDocument', extension: 'vsd', mediaType: 'application/vnd.visio' },
]

const RICH_TEXT: OfficeFormat = { extension: 'rtf', mediaType: 'application/rtf' }
const HTML: OfficeFormat = { extension: 'html', mediaType: 'text/html' }

/** What a text is told by. */
const TEXT_BYTES = 4096

/**
 * Returns the Office format that a document's own bytes show; null for anything else, e-mail included. Of an archive only
 * the list of its entries is read, and nothing is unpacked: what it holds may be a bomb.
 */
export async function findOfficeFormat(bytes: LookedAt, filename: string | null): Promise<OfficeFormat | null> {
  const head = await readPart(bytes, Math.min(TEXT_BYTES, bytes.length), 0)
  const start = head.toString('latin1', 0, 8)
  if (start.startsWith('PK\x03\x04')) return formatOfArchive(bytes, head)
  if (start === COMPOUND_FILE) return formatOfCompoundFile(bytes, filename)
  if (start.startsWith('{\\rtf')) return RICH_TEXT
  return describeText(head, null) === 'an HTML page' ? HTML : null
}

async function formatOfArchive(bytes: LookedAt, head: Buffer): Promise<OfficeFormat | null> {
  const mimetype = readMimetypeEntry(head)
  const said = mimetype === null ? undefined : MIMETYPES.find(({ mediaType }) => mimetype.startsWith(mediaType))
  if (said !== undefined) return said
  const names = await readEntryNames(bytes)
  if (!names.includes('[Content_Types].xml')) return null
  if (names.includes('xl/workbook.bin')) return BINARY_WORKBOOK
  const found = OPEN_XML_FOLDERS.find(({ folder }) => names.some((name) => name.startsWith(folder)))
  return found === undefined ? null : formatOf(found)
}

async function formatOfCompoundFile(bytes: LookedAt, filename: string | null): Promise<OfficeFormat | null> {
  const names = await readRootNames(bytes)
  if (names.has('EncryptedPackage')) return encryptedFormat(filename)
  const found = STREAMS.find(({ stream }) => names.has(stream))
  return found === undefined ? null : formatOf(found)
}

/**
 * Nothing but its name tells what an encrypted Open XML document holds: by how its ending begins, for `xlsm` and `xltx` are
 * Excel's as `xlsx` is. PowerPoint's begin in two ways.
 */
function encryptedFormat(filename: string | null): OfficeFormat {
  const ending = filename?.toLowerCase().split('.').at(-1) ?? ''
  const begins = ending.startsWith('po') ? 'pp' : ending.slice(0, 2)
  return formatOf(OPEN_XML_FOLDERS.find(({ extension }) => extension.slice(0, 2) === begins) ?? OPEN_XML_FOLDERS[0]!)
}

function formatOf({ mediaType, extension }: OfficeFormat): OfficeFormat {
  return { mediaType, extension }
}
