/** A token of OTSL with the text behind it: `fcel`, `ecel`, `lcel`, `ucel`, `xcel`, `ched`, `rhed`, `srow`; `nl` ends a row. */
export interface OtslCell {
  readonly kind: string
  readonly text: string
}

/** A cell of the table: where it begins, and over how many rows and columns it goes. */
interface Area {
  readonly kind: string
  text: string
  readonly row: number
  readonly column: number
  rows: number
  columns: number
}

/** Of a table with fewer cells, short rows are filled: filling must not outgrow the text. */
const MAX_FILLED_CELLS = 100_000

/** Writes a table in OTSL as HTML. */
export function otslTable(cells: readonly OtslCell[]): string {
  const rows = layOut(filled(rowsOf(cells)))
  const heads = headHeight(rows)
  const written = rows.map((areas) => `<tr>${areas.map(htmlCell).join('')}</tr>`)
  if (heads === 0) return `<table>${written.join('')}</table>`
  const [head, body] = [written.slice(0, heads), written.slice(heads)]
  const tail = body.length === 0 ? '' : `<tbody>${body.join('')}</tbody>`
  return `<table><thead>${head.join('')}</thead>${tail}</table>`
}

function rowsOf(cells: readonly OtslCell[]): OtslCell[][] {
  const rows: OtslCell[][] = []
  let row: OtslCell[] = []
  const endRow = () => {
    if (row.length > 0) rows.push(row)
    row = []
  }
  for (const cell of cells) {
    if (cell.kind === 'nl') endRow()
    else row.push(cell)
  }
  endRow()
  return rows
}

const EMPTY: OtslCell = { kind: 'ecel', text: '' }

/** Fills short rows with empty cells. */
function filled(rows: readonly (readonly OtslCell[])[]): readonly (readonly OtslCell[])[] {
  const columns = rows.reduce((most, { length }) => Math.max(most, length), 0)
  if (columns * rows.length > MAX_FILLED_CELLS) return rows
  return rows.map((row) => Array.from({ length: columns }, (_, column) => row[column] ?? EMPTY))
}

/** Finds the cells that begin in each row. */
function layOut(rows: readonly (readonly OtslCell[])[]): Area[][] {
  let above: Area[] = []
  return rows.map((cells, row) => {
    const owners: Area[] = []
    const begun: Area[] = []
    while (owners.length < cells.length) {
      const column = owners.length
      const { kind, text } = cells[column] ?? EMPTY
      const up = above[column]
      const left = owners[column - 1]
      if (up?.column === column && goesDown(cells, up)) {
        up.rows += 1
        for (let width = 0; width < up.columns; width++) {
          extend(up, cells[owners.length])
          owners.push(up)
        }
      } else if ((kind === 'lcel' || kind === 'xcel') && left?.row === row) {
        left.columns += 1
        extend(left, cells[column])
        owners.push(left)
      } else {
        const area = { kind, text, row, column, rows: 1, columns: 1 }
        begun.push(area)
        owners.push(area)
      }
    }
    above = owners
    return begun
  })
}

/** Text where a cell only goes on belongs to none other. */
function extend(area: Area, cell: OtslCell | undefined): void {
  if (cell !== undefined && cell.text.trim() !== '') area.text += `\n${cell.text}`
}

/** Tells whether a cell of the row above goes on in all its columns: cells are rectangles. */
function goesDown(cells: readonly OtslCell[], { column, columns }: Area): boolean {
  const first = cells[column]?.kind
  if (first !== 'ucel' && first !== 'xcel') return false
  const rest = cells.slice(column + 1, column + columns)
  return rest.length === columns - 1 && rest.every(({ kind }) => kind === 'ucel' || kind === 'xcel' || kind === 'lcel')
}

/** Counts the rows at the top that are headers alone, and that no cell leaves downwards. */
function headHeight(rows: readonly (readonly Area[])[]): number {
  const end = rows.findIndex(
    (areas) =>
      areas.some(({ kind }) => kind !== 'ched' && kind !== 'ecel') || !areas.some(({ kind }) => kind === 'ched'),
  )
  const height = end < 0 ? rows.length : end
  const isWhole = rows.slice(0, height).every((areas) => areas.every(({ row, rows: deep }) => row + deep <= height))
  return isWhole ? height : 0
}

function htmlCell({ kind, text, rows, columns }: Area): string {
  const tag = kind === 'ched' || kind === 'rhed' || kind === 'srow' ? 'th' : 'td'
  const spans = `${rows > 1 ? ` rowspan="${rows}"` : ''}${columns > 1 ? ` colspan="${columns}"` : ''}`
  return `<${tag}${spans}>${escaped(text)}</${tag}>`
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const LINE_BREAK = '<br>'
/** What models write in cells beside text. */
const KEPT = /(<\/?(?:b|i|u|em|strong|sub|sup)>|<br ?\/?>|&(?:[a-z]{2,6}|#\d{1,7});)/i

/** Writes a cell's text as HTML on one line: a blank line would end the table. */
function escaped(text: string): string {
  const parts = text.trim().split(KEPT)
  return parts
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/[&<>]/g, (sign) => ESCAPES[sign] ?? sign)))
    .join('')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(LINE_BREAK)
}
