import { findTables, writeTable, type TableFormat } from '../ocr/markdown/tables.ts'
import type { MistralAnswer } from '../request/mistral.ts'
import type { OcrRequest } from '../request/ocr-request.ts'
import type { OcrTable } from '../wire/mistral/ocr-response.ts'

/** A page's Markdown without its tables, and these. */
interface TakenTables {
  readonly markdown: string
  readonly tables: readonly OcrTable[]
}

const ENDINGS: Readonly<Record<TableFormat, string>> = { markdown: 'md', html: 'html' }

/**
 * Creates what takes the tables out of the pages of an answer, one page after the other. As Mistral does, it leaves a link to
 * the table's id in its place, `[tbl-0.md](tbl-0.md)`; ids count through the answer.
 */
export function tableTaker(
  { output, answersJson }: Pick<OcrRequest, 'output' | 'answersJson'>,
  { tableFormat }: Pick<MistralAnswer, 'tableFormat'>,
): (markdown: string) => TakenTables {
  let count = 0
  return function takeTables(markdown) {
    if (tableFormat === null || output !== 'markdown' || answersJson) return { markdown, tables: [] }
    const tables: OcrTable[] = []
    let rest = ''
    let end = 0
    for (const found of findTables(markdown)) {
      const { format, content } = writeTable(found, tableFormat)
      const id = `tbl-${count++}.${ENDINGS[format]}`
      tables.push({ id, content, format })
      rest += `${markdown.slice(end, found.start)}[${id}](${id})`
      end = found.end
    }
    return { markdown: rest + markdown.slice(end), tables }
  }
}
