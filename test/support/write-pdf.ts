/** What an object of a PDF holds: Latin-1, or bytes where there is a stream of them. */
export type PdfObject = string | Uint8Array

/** What may be different in a PDF. */
export interface PdfOptions {
  /** 1.4 when unset. */
  readonly version?: string
  /** More of the trailer than `/Size` and `/Root`. */
  readonly trailer?: string
}

/** Writes a PDF of objects numbered from 1, the first of which is the catalog, with its cross-reference table. */
export function writePdf(objects: readonly PdfObject[], { version = '1.4', trailer = '' }: PdfOptions = {}): Buffer {
  const parts = [latin1(`%PDF-${version}\n%\xe2\xe3\xcf\xd3\n`)]
  let offset = parts[0]?.length ?? 0
  const crossReferences = objects.map((content, index) => {
    const part = writeObject(index + 1, content)
    const entry = `${String(offset).padStart(10, '0')} 00000 n \n`
    parts.push(part)
    offset += part.length
    return entry
  })
  const count = objects.length + 1
  parts.push(latin1(`xref\n0 ${count}\n0000000000 65535 f \n${crossReferences.join('')}`))
  parts.push(latin1(`trailer\n<< /Size ${count} /Root 1 0 R ${trailer}>>\nstartxref\n${offset}\n%%EOF\n`))
  return Buffer.concat(parts)
}

/** Writes an object with its number. */
export function writeObject(number: number, content: PdfObject): Buffer {
  return Buffer.concat([latin1(`${number} 0 obj\n`), latin1(content), latin1('\nendobj\n')])
}

/** Makes a stream; `entries` stand in its dictionary before its length. */
export function pdfStream(content: PdfObject, entries = ''): Buffer {
  const bytes = latin1(content)
  const dictionary = `<< ${entries} /Length ${bytes.length} >>`
  return Buffer.concat([latin1(`${dictionary}\nstream\n`), bytes, latin1('\nendstream')])
}

function latin1(content: PdfObject): Buffer {
  return typeof content === 'string' ? Buffer.from(content, 'latin1') : Buffer.from(content)
}
