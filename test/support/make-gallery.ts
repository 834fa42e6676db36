// `npm run gallery`: reads five documents with the embedded engine, through a gateway that is started for it, and writes
// pictures of their pages into docs/pictures/gallery/ and what came out between the marks in docs/gallery.md. Nothing on
// that page between the marks is written by hand.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type OpenAI from 'openai'
import { format } from 'prettier'
import sharp from 'sharp'
import { drawChinese, drawLetter, drawPage, drawText } from '../fixtures/printed-page.ts'
import { english } from '../fixtures/prose.ts'
import { faxImage, jpegImage, makeScan } from '../fixtures/scan-pdf.ts'
import { filePart, readFixture } from './documents.ts'
import { startTestGateway } from './start-gateway.ts'

const root = join(import.meta.dirname, '../..')
const pictures = join(root, 'docs/pictures/gallery')
const page = join(root, 'docs/gallery.md')
const BEGIN = '<!-- begin: npm run gallery -->'
const END = '<!-- end -->'
const PICTURE_BYTES = 120 * 1024

interface Exhibit {
  readonly name: string
  readonly title: string
  /** What it is, and what to look at. */
  readonly about: string
  readonly pdf: Uint8Array
  readonly ocr?: Readonly<Record<string, unknown>>
}

interface Answer {
  readonly pages: readonly LedgerLine[]
  readonly previews?: readonly { readonly image: string }[]
}

interface LedgerLine {
  readonly status: string
  readonly warnings?: readonly { readonly code: string }[]
}

const exhibits: readonly Exhibit[] = [
  {
    name: 'manual',
    title: 'A scanned manual, with a table',
    about: 'The second page of the scan that `npm run demo` reads: headings, running text, and a table with rules.',
    pdf: readFixture('four-page-scan.pdf'),
    ocr: { pages: '2' },
  },
  {
    name: 'letter',
    title: 'A letter with figures',
    about: 'A heading, two paragraphs and a ruled table of figures between them, as a gray JPEG.',
    pdf: makeScan([{ image: await jpegImage(drawLetter()) }]),
  },
  {
    name: 'columns',
    title: 'Two columns, faxed',
    about: 'Two columns in black and white alone (CCITT group 4): the order of reading is what can go wrong.',
    pdf: makeScan([{ image: await faxImage(drawNewspaper()) }]),
  },
  {
    name: 'chinese',
    title: 'A page of Chinese',
    about: 'Simplified characters under a heading, as a gray JPEG.',
    pdf: makeScan([{ image: await jpegImage(drawChinese()) }]),
  },
  {
    name: 'skewed',
    title: 'A page that lies askew',
    about:
      'Scanned three degrees off, and read with `"prepare": {"deskew": true}`: the page is levelled before it is read.',
    pdf: makeScan([{ image: await jpegImage(drawText({ size: 24, lines: 14, degrees: 3 })) }]),
    ocr: { prepare: { deskew: true } },
  },
]

await using gateway = await startTestGateway()
mkdirSync(pictures, { recursive: true })
const parts: string[] = []
for (const exhibit of exhibits) {
  parts.push(await show(exhibit, gateway.client))
  process.stdout.write(`${exhibit.name}\n`)
}
const text = readFileSync(page, 'utf8')
const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)]
if (before === -1 || after < before) throw new Error(`docs/gallery.md lacks ${BEGIN} or ${END}`)
const written = `${text.slice(0, before + BEGIN.length)}\n\n${parts.join('\n')}\n${text.slice(after)}`
writeFileSync(page, await format(written, { parser: 'markdown', printWidth: 120 }))

/** Draws two columns under a heading, with room between them. */
function drawNewspaper() {
  const words = english.split(/\s+/).filter(Boolean)
  return drawPage((context) => {
    context.font = '38px "Test Sans"'
    context.fillText('Measuring the Tide with a Float', 110, 150)
    context.font = '23px "Test Sans"'
    for (const left of [110, 580])
      for (let line = 0; line < 20 && words.length > 0; line++) {
        const row: string[] = []
        while (words.length > 0 && context.measureText([...row, words[0]].join(' ')).width < 400)
          row.push(words.shift()!)
        context.fillText(row.join(' '), left, 230 + line * 34)
      }
  })
}

async function show({ name, title, about, pdf, ocr = {} }: Exhibit, client: OpenAI): Promise<string> {
  // The picture is of the page as it was sent, before anything was put right.
  const sent = await read(client, pdf, { ...ocr, prepare: undefined, preview: true })
  await keepPicture(name, sent.ocr.previews![0]!.image)
  const { markdown, ocr: answer } = ocr['prepare'] === undefined ? sent : await read(client, pdf, ocr)
  const picture = `![${title}](pictures/gallery/${name}.jpg)`
  const out = `\`\`\`text\n${wrapped(markdown)}\n\`\`\``
  return [`## ${title}`, about, picture, `What came out (${told(answer.pages[0]!)}):`, out, ''].join('\n\n')
}

async function read(client: OpenAI, pdf: Uint8Array, ocr: Readonly<Record<string, unknown>>) {
  const request = { model: 'tesseract', messages: [{ role: 'user' as const, content: [filePart(pdf)] }], ocr }
  const completion = await client.chat.completions.create(request)
  const markdown = completion.choices[0]?.message.content ?? ''
  return { markdown, ocr: (completion as unknown as { ocr: Answer }).ocr }
}

/** Breaks long lines, so that the page can be read; what came out has none of these breaks. */
function wrapped(text: string): string {
  const broken = (line: string) =>
    /\p{Script=Han}/u.test(line) ? line.match(/.{1,48}/gu) : line.match(/.{1,100}(?: |$)/g)
  return text
    .split('\n')
    .flatMap((line) => broken(line) ?? [line])
    .map((line) => line.trimEnd())
    .join('\n')
}

/** What the ledger says of the page. */
function told({ status, warnings = [] }: LedgerLine): string {
  return [`status \`${status}\``, ...warnings.map(({ code }) => `warning \`${code}\``)].join(', ')
}

async function keepPicture(name: string, dataUrl: string): Promise<void> {
  const bytes = Buffer.from(dataUrl.slice(dataUrl.indexOf(',') + 1), 'base64')
  const jpeg = await sharp(bytes).jpeg({ quality: 70, mozjpeg: true }).toBuffer()
  if (jpeg.length > PICTURE_BYTES) throw new Error(`the picture of ${name} has ${jpeg.length} bytes`)
  writeFileSync(join(pictures, `${name}.jpg`), jpeg)
}
