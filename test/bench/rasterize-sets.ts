import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { openPdf } from '../../gateway/rasterizer/open-pdf.ts'

/** PDFs of one kind, and how many times as fast as the peers they are to be drawn. */
export interface PageSet {
  readonly name: string
  readonly files: readonly string[]
  readonly bars: Bars
}

/** In times as fast as pypdfium2 with Pillow. */
interface Bars {
  readonly png: number
  /** Beside Pillow at PNG level 1. */
  readonly png1: number
  /** As JPEG of quality 95. */
  readonly jpeg?: number
}

const corpus = join(import.meta.dirname, '../../../shared/corpus')
const inCorpus = (path: string) => join(corpus, path)

const TEXT = [
  'public/real/digital-two-column-paper-arxiv-1901.03003.pdf',
  'public/real/digital-two-column-paper-tracemonkey.pdf',
  'public/real/digital-formulas-crc-paper.pdf',
].map(inCorpus)

/** Returns the sets; scans that the corpus lacks are made, into a folder, from its pages of text. */
export async function pageSets(folder: string): Promise<readonly PageSet[]> {
  const [jpeg, gray] = [join(folder, 'jpeg-300-dpi.pdf'), join(folder, 'gray-600-dpi.pdf')]
  const [text = ''] = TEXT
  writeFileSync(jpeg, imagesPdf(await Promise.all([1, 2, 3, 4].map((page) => photographed(text, page)))))
  writeFileSync(gray, imagesPdf([await scannedGray(text, 1), await scannedGray(text, 2)]))
  return [
    { name: 'text', files: TEXT, bars: { png: 2.2, png1: 1, jpeg: 0.6 } },
    {
      name: 'JPEG scans',
      files: [
        jpeg,
        inCorpus('public/real/scan-photo-of-signed-form.pdf'),
        inCorpus('public/real/scan-newspaper-1898.pdf'),
      ],
      bars: { png: 3.5, png1: 1, jpeg: 1 },
    },
    {
      name: 'G4 scans',
      files: [inCorpus('public/real/scan-ccitt-epson.pdf'), inCorpus('public/real/scan-two-column-paper-1977.pdf')],
      bars: { png: 1.5, png1: 1 },
    },
    {
      name: 'JBIG2 scans',
      files: [inCorpus('public/real/scan-jbig2-four-rotations.pdf')],
      bars: { png: 1.5, png1: 1 },
    },
    {
      name: '600 dpi gray',
      files: [gray, inCorpus('public/real/geometry-rotations-0-90-180-270.pdf')],
      bars: { png: 1.5, png1: 1 },
    },
    {
      name: 'mixed',
      files: [
        'public/real/digital-slides-landscape.pdf',
        'public/real/digital-korean-text-tables.pdf',
        'public/real/digital-report-mixed-page-sizes.pdf',
        'public/real/digital-paper-dense-science-tables.pdf',
        'public/real/digital-sec-filing-form.pdf',
        'public/real/form-acroform-prefilled-1040.pdf',
        'public/real/scan-book-jpx-jbig2-layers.pdf',
        'public/real/scan-jbig2-four-rotations.pdf',
        'public/real/scan-medical-report-fictional.pdf',
      ].map(inCorpus),
      bars: { png: 1.5, png1: 1 },
    },
  ]
}

interface PdfImage {
  readonly width: number
  readonly height: number
  /** Entries of the image's dictionary that depend on how it is stored. */
  readonly entries: string
  readonly content: Uint8Array
}

/** A page at 300 dpi in colour on paper with a grain, as a copier with a photo setting stores it. */
async function photographed(file: string, page: number): Promise<PdfImage> {
  const drawn = await draw(file, page, 3508)
  const { width, height } = drawn
  const grain = {
    width,
    height,
    channels: 3 as const,
    background: '#000',
    noise: { type: 'gaussian' as const, mean: 236, sigma: 6 },
  }
  const paper = await sharp({ create: grain }).raw().toBuffer()
  const content = await sharp(drawn.pixels, { raw: { width, height, channels: drawn.channels } })
    .toColourspace('srgb')
    .composite([{ input: paper, raw: { width, height, channels: 3 }, blend: 'multiply' }])
    .tint({ r: 255, g: 250, b: 235 })
    .jpeg({ quality: 80 })
    .toBuffer()
  return { width, height, entries: '/ColorSpace /DeviceRGB /Filter /DCTDecode', content }
}

async function scannedGray(file: string, page: number): Promise<PdfImage> {
  const { pixels, width, height, channels } = await draw(file, page, 7016)
  const gray = await sharp(pixels, { raw: { width, height, channels } }).toColourspace('b-w').blur(1).raw().toBuffer()
  return { width, height, entries: '/ColorSpace /DeviceGray /Filter /FlateDecode', content: deflateSync(gray) }
}

async function draw(file: string, page: number, longestEdge: number) {
  await using pdf = await openPdf(readFileSync(file), 'pdfium', {
    password: null,
    maxImagePixels: 1e9,
    maxMemoryBytes: 2e9,
  })
  const { bitmap } = await pdf.draw(
    page,
    ({ width, height }) => {
      const scale = longestEdge / Math.max(width, height)
      return { width: Math.round(width * scale), height: Math.round(height * scale) }
    },
    () => false,
  )
  return bitmap
}

/** A PDF with one A4 page for each image, all over it. */
function imagesPdf(images: readonly PdfImage[]): Buffer {
  const parts: Buffer[] = []
  const offsets: number[] = []
  const write = (text: string, content: Uint8Array = new Uint8Array()) =>
    parts.push(Buffer.from(text, 'latin1'), Buffer.from(content))
  const object = (number: number, text: string, content?: Uint8Array) => {
    offsets[number] = parts.reduce((sum, part) => sum + part.length, 0)
    if (content === undefined) write(`${number} 0 obj\n<< ${text} >>\nendobj\n`)
    else {
      write(`${number} 0 obj\n<< ${text} /Length ${content.length} >>\nstream\n`, content)
      write('\nendstream\nendobj\n')
    }
  }
  write('%PDF-1.4\n')
  object(1, '/Type /Catalog /Pages 2 0 R')
  object(
    2,
    `/Type /Pages /Count ${images.length} /Kids [${images.map((_, index) => `${3 + 3 * index} 0 R`).join(' ')}]`,
  )
  for (const [index, { width, height, entries, content }] of images.entries()) {
    const [page, drawing, image] = [3 + 3 * index, 4 + 3 * index, 5 + 3 * index]
    const resources = `/Resources << /XObject << /I ${image} 0 R >> >>`
    object(page, `/Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] ${resources} /Contents ${drawing} 0 R`)
    object(drawing, '', Buffer.from('q 595 0 0 842 0 0 cm /I Do Q'))
    object(
      image,
      `/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /BitsPerComponent 8 ${entries}`,
      content,
    )
  }
  const entries = offsets.slice(1).map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`)
  const start = parts.reduce((sum, part) => sum + part.length, 0)
  write(`xref\n0 ${entries.length + 1}\n0000000000 65535 f \n${entries.join('')}`)
  write(`trailer\n<< /Size ${entries.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`)
  return Buffer.concat(parts)
}
