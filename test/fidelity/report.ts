import { format } from 'prettier'
import { z } from 'zod'
import type { PageImage } from '../../gateway/page/page.ts'
import type { Difference } from './compare.ts'

/** One page as the gateway and poppler drew it. */
export interface ComparedPage {
  /** Within the corpus. */
  readonly file: string
  readonly page: number
  /** What drew it in the gateway; null when nothing could. */
  readonly rasterizer: PageImage['rasterizer'] | null
  /** The error code of a page, or a document, that the gateway refused. */
  readonly failure: string | null
  readonly popplerFailed: boolean
  /** Null unless both drew it. */
  readonly difference: Difference | null
}

/** Below both, a page looks the same: the two draw edges differently, nothing else. */
const MAX_MEAN = 5
const MAX_BLOCKS = 0.01

/** Tells whether a page needs an explanation. */
export function differs({ failure, popplerFailed, difference }: ComparedPage): boolean {
  if (difference === null) return (failure === null) === popplerFailed
  return difference.mean > MAX_MEAN || difference.blocks > MAX_BLOCKS
}

const explanationSchema = z.strictObject({
  /** Whose picture shows what a reader should see. */
  right: z.enum(['gateway', 'poppler', 'both', 'neither']),
  category: z.string(),
  why: z.string(),
})

const explanationsSchema = z.record(z.string(), z.record(z.string().regex(/^(?:\d+|all)$/), explanationSchema))

type Explanation = z.infer<typeof explanationSchema>

/** What somebody who looked at both pictures said. */
export interface Explanations {
  of(page: ComparedPage): Explanation | null
}

/** Reads explanations: by file, then by page or `all`. */
export function readExplanations(json: string): Explanations {
  const known = explanationsSchema.parse(JSON.parse(json))
  return { of: ({ file, page }) => known[file]?.[page] ?? known[file]?.['all'] ?? null }
}

/** Returns `docs/fidelity.md`. */
export function fidelityPage(
  pages: readonly ComparedPage[],
  explanations: Explanations,
  popplerVersion: string,
  longestEdge: number,
): Promise<string> {
  const drawn = pages.filter(({ difference }) => difference !== null)
  const different = pages.filter(differs)
  const files = new Set(pages.map(({ file }) => file))
  const text = [
    '# Fidelity: the gateway beside poppler',
    '<!-- Written by test/fidelity/fidelity.ts. Do not edit: run `npm run fidelity`. -->',
    `The first three pages of each PDF of the public test corpus, drawn by the gateway (\`GATEWAY_RASTERIZER=auto\`) and by poppler's \`pdftoppm\` ${popplerVersion}, each with its longest edge at ${longestEdge} pixels. Both pictures are blurred a little, because no two programs draw edges alike, and their luminance is compared. A page differs when the mean difference is more than ${MAX_MEAN} of 255, or more than ${100 * MAX_BLOCKS} % of its blocks of 12 × 12 pixels with ink look different. Each page that differs was looked at. Decompression bombs are left out.`,
    table(
      ['what', 'count'],
      [
        ['documents', files.size],
        ['pages that both draw', drawn.length],
        ['… of them by PDFium', drawn.filter(({ rasterizer }) => rasterizer === 'pdfium').length],
        ['… in the scan lane', drawn.filter(({ rasterizer }) => rasterizer === 'scan').length],
        ['… by pdf.js', drawn.filter(({ rasterizer }) => rasterizer === 'pdfjs').length],
        ['median of the mean difference', quantile(drawn, 0.5)],
        ['95th percentile of the mean difference', quantile(drawn, 0.95)],
        ['pages and documents that neither draws', pages.filter(neitherDraws).length],
        ['pages that differ', different.length],
        ...rightSides.map((right) => [
          `… where ${right === 'gateway' ? 'the gateway' : right} ${right === 'both' ? 'are' : 'is'} right`,
          different.filter((page) => explanations.of(page)?.right === right).length,
        ]),
      ],
    ),
    '## Pages that differ',
    table(
      ['document', 'page', 'drawn by', 'mean', 'blocks', 'category', 'right', 'why'],
      different.map((page) => row(page, explanations)),
    ),
    '## Fonts that are not in the PDF',
    FONTS,
    '## What neither draws',
    list(pages.filter(neitherDraws).map(({ file, page, failure }) => `\`${file}\`, page ${page}: \`${failure}\``)),
  ]
  return format(text.join('\n\n'), { parser: 'markdown' })
}

const FONTS = `Text whose font is not in the PDF is drawn with fonts that the gateway brings, the same on every machine: Liberation Sans, Tinos and Cousine for what is called Helvetica, Arial, Times, Courier and the like (Latin, Greek and Cyrillic; the last two Hebrew as well), Noto Sans for Chinese and Japanese, vertical lines included, and Nanum Gothic for Hangul. Not readable without its own font: Han characters within Korean text where PDFium draws it, Arabic, Thai and the scripts of India, and text that a PDF gives only as numbers of glyphs, without saying which characters they are.`

const rightSides = ['gateway', 'poppler', 'both', 'neither'] as const

function row(page: ComparedPage, explanations: Explanations): (string | number)[] {
  const { category = '', right = '', why = '**not explained**' } = explanations.of(page) ?? {}
  const { difference, popplerFailed, failure, rasterizer } = page
  const drawnBy = popplerFailed ? `${rasterizer}; poppler fails` : (rasterizer ?? `\`${failure}\``)
  const mean = difference === null ? '' : difference.mean.toFixed(1)
  const blocks = difference === null ? '' : `${(100 * difference.blocks).toFixed(0)} %`
  return [`\`${page.file}\``, page.page, drawnBy, mean, blocks, category, right, why]
}

function neitherDraws({ failure, popplerFailed }: ComparedPage): boolean {
  return failure !== null && popplerFailed
}

function quantile(pages: readonly ComparedPage[], share: number): string {
  const means = pages
    .flatMap(({ difference }) => (difference === null ? [] : [difference.mean]))
    .toSorted((a, b) => a - b)
  return (means[Math.min(means.length - 1, Math.floor(means.length * share))] ?? 0).toFixed(2)
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n')
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
