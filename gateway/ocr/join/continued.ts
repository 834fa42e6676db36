const CONTINUED =
  /(?:^|[^\p{L}])(?:continued|cont['’]?d|cont\.|continuation|fortsetzung|fortgesetzt|forts\.|suite|continuación|continuação|continúa|continua|continuazione|segue|vervolg|fortsat|fortsättning|forts|jatkuu|продолжение|продовження|ciąg dalszy|cd\.|pokračování|devamı|تابع|تتمة|המשך)(?:$|[^\p{L}])|[(（]?(?:续|續|続き|つづき|계속)[表)）]?|续表|續表/iu
const TABLE =
  /(?:^|[^\p{L}])(?:table|tab|tabelle|tableau|tabla|tabela|tabella|tabel|tabell|taulukko|таблица|таблиця|tabulka|tablo|جدول|טבלה)(?:$|[^\p{L}])|表|표/iu
const MAX_LENGTH = 160

/** Tells whether a text says that something goes on: "(continued)". */
export function isContinued(text: string): boolean {
  return text.length <= MAX_LENGTH && CONTINUED.test(text)
}

/** Tells whether a block is the caption of a table that goes on: "Table 3 (continued)"; or "(continued)" alone. */
export function isContinuedCaption(lines: readonly string[]): boolean {
  const [line = ''] = lines
  if (lines.length !== 1 || !isContinued(line)) return false
  return TABLE.test(line) || line.replaceAll(/[^\p{L}]/gu, '').length <= 20
}
