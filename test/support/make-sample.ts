// Makes gateway/web/static/sample.pdf, the document for those who have none: node test/support/make-sample.ts
// Four pages of type and one that looks scanned. Its text is the project's own, its fonts are Tinos and KaTeX's.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { renderToString } from 'katex'
import type { Browser } from 'playwright-core'
import sharp from 'sharp'
import { seededRandom } from './seeded-random.ts'
import { startBrowser } from './start-browser.ts'

const root = join(import.meta.dirname, '../..')
const modules = join(root, 'node_modules')
const A4 = { width: 794, height: 1123 }
/** Of the page that looks scanned, in pixels for each CSS pixel: 144 for an inch. */
const SCAN_SCALE = 1.5

await using browser = await startBrowser()
const scan = await scanned(browser, await html([letter()]))
const pages = [
  opening(),
  readings(),
  method(),
  curve(),
  `<img class="scan" src="${dataUrl(scan, 'image/jpeg')}" alt="">`,
]
await writeFile(join(root, 'gateway/web/static/sample.pdf'), await printed(browser, await html(pages)))

function opening(): string {
  return `<h1>The River at Mill Bridge</h1>
<p class="by">A report on one year of readings</p>
<p>A stream that nobody measures is a stream that nobody can speak for. In the spring of last year three neighbours hung
a staff gauge on the downstream pier of Mill Bridge, and agreed to read it every morning before breakfast.</p>
<p>This report holds what they wrote down. It is short, as the notes were.</p>
<h2>What is in it</h2>
<ol><li>The readings of one week, in a table.</li><li>How a level becomes a flow.</li><li>The flood of the ninth of
March.</li><li>A letter, as it came.</li></ol>`
}

function readings(): string {
  const rows = [
    ['Monday', '06:50', '41', '0.9', 'clear'],
    ['Tuesday', '07:05', '43', '1.0', 'clear'],
    ['Wednesday', '06:45', '58', '1.7', 'brown after rain'],
    ['Thursday', '06:55', '97', '4.2', 'branches, foam'],
    ['Friday', '07:10', '74', '2.6', 'brown'],
    ['Saturday', '08:20', '55', '1.5', 'cloudy'],
    ['Sunday', '08:30', '47', '1.2', 'nearly clear'],
  ]
  const cells = (row: readonly string[], tag: string) => row.map((cell) => `<${tag}>${cell}</${tag}>`).join('')
  return `<h2>One week in March</h2>
<p>The level is read in centimetres at the staff, the flow is taken from the curve on page 4. Water was looked at from the
bridge, against the light.</p>
<table><tr>${cells(['Day', 'Time', 'Level (cm)', 'Flow (m3/s)', 'Water'], 'th')}</tr>
${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n')}</table>
<p>Thursday's reading is the highest of the year but one. The gauge itself was under water on the ninth, and that level was
taken from the mark which the flood had left on the wall of the mill.</p>`
}

function method(): string {
  const formula = (text: string) => renderToString(text, { displayMode: true, output: 'html' })
  return `<h2>From a level to a flow</h2>
<p>Nobody can read a flow from a staff. It is the speed of the water times the area that it runs through, and both grow
with the level. On six days the speed was measured with an orange and a watch, over twenty metres.</p>
${formula(String.raw`Q = v \cdot A`)}
<p>Here Q is the flow, v is the mean speed, and A is the area of the section below the bridge. Through the six
points runs a curve of the usual kind:</p>
${formula(String.raw`Q = c \, (h - h_0)^{b}, \qquad c = 4.4, \quad h_0 = 0.06, \quad b = 1.67`)}
<p>with the level h in metres. Its error is about one part in ten, and larger where the river leaves its bed.</p>
<ul><li>An orange floats low, and the wind does not move it.</li><li>Three runs are enough; five are better.</li><li>The
watch is stopped by whoever stands downstream.</li></ul>`
}

function curve(): string {
  const at = (level: number) => ({ x: 70 + level * 360, y: 330 - flow(level) * 46 })
  const points = Array.from({ length: 56 }, (_, index) => at(0.06 + index / 50))
  const path = points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')
  const dots = [0.21, 0.41, 0.58, 0.74, 0.97, 1.1].map(at)
  const across = [0, 25, 50, 75, 100].map((cm) => ({ cm, x: 70 + cm * 3.6 }))
  const up = [0, 1, 2, 3, 4, 5, 6].map((q) => ({ q, y: 330 - q * 46 }))
  return `<h2>The curve</h2>
<p>Each dot is a day on which speed and section were measured. The line is the formula of page 3.</p>
<figure><svg viewBox="0 0 500 380" width="620">
${up.map(({ q, y }) => `<path d="M70 ${y}H480" stroke="#d5dae0"/><text x="58" y="${y + 5}" text-anchor="end">${q}</text>`).join('')}
${across.map(({ cm, x }) => `<text x="${x}" y="352" text-anchor="middle">${cm}</text>`).join('')}
<path d="${path}" fill="none" stroke="#0b63ce" stroke-width="2.5"/>
${dots.map(({ x, y }, index) => `<circle cx="${x}" cy="${y + [4, -5, 3, -4, 5, -3][index]!}" r="5"/>`).join('')}
<text x="275" y="376" text-anchor="middle">Level (cm)</text></svg>
<figcaption>Figure 1. Flow in cubic metres a second, by level.</figcaption></figure>
<p>Above one metre the river is in the meadow, and the curve is a guess.</p>`
}

function flow(level: number): number {
  return 4.4 * Math.max(0, level - 0.06) ** (5 / 3)
}

function letter(): string {
  return `<div class="letter"><p>The Old Mill, 14 March</p><p>Dear Miss Harper,</p>
<p>You asked what I saw on the night of the ninth. I was woken at about two by the noise, which was not the water but the
stones that it rolled along the bed. When I came down there was a hand's breadth on the kitchen floor.</p>
<p>By four it stood at the third stair, and there it stayed for an hour. I have cut a mark into the door post and will
not paint it over. You may measure it whenever you like.</p>
<p>The bridge held. The old people say it was worse in their time, but they have no mark to show for it.</p>
<p>Yours faithfully,</p><p>Thomas Weir</p></div>`
}

async function html(pages: readonly string[]): Promise<string> {
  const face = async (path: string, weight: string, style = 'normal') =>
    `@font-face{font-family:Tinos;font-weight:${weight};font-style:${style};src:url(${dataUrl(await readFile(join(modules, '@expo-google-fonts/tinos', path)), 'font/ttf')})}`
  const faces = await Promise.all([
    face('400Regular/Tinos_400Regular.ttf', '400'),
    face('700Bold/Tinos_700Bold.ttf', '700'),
    face('400Regular_Italic/Tinos_400Regular_Italic.ttf', '400', 'italic'),
  ])
  return `<!doctype html><html lang="en"><title>The River at Mill Bridge</title><style>${faces.join('')}
${await formulaStyle()}
@page{size:A4;margin:0}*{box-sizing:border-box}body{margin:0;font:17px/1.5 Tinos}
section{width:${A4.width}px;height:${A4.height - 1}px;padding:96px 104px;break-after:page;overflow:hidden;position:relative}
section:last-child{break-after:auto}h1{font-size:38px;line-height:1.2;margin:0 0 4px}h2{font-size:25px;margin:0 0 16px}
h1~h2{margin-top:36px}.by{font-style:italic;margin:0 0 36px}p{margin:0 0 14px}li{margin-bottom:6px}
table{border-collapse:collapse;width:100%;margin:24px 0}th,td{border:1px solid #333;padding:7px 10px;text-align:left}
figure{margin:24px 0}svg text{font:13px Tinos}figcaption{margin-top:8px}.katex{font-size:1.25em}
.scan{position:absolute;inset:0;width:100%;height:100%}.letter{font-size:21px;line-height:1.6}</style>
${pages.map((page) => `<section>${page}</section>`).join('\n')}</html>`
}

/** KaTeX's style, with its fonts in it. */
async function formulaStyle(): Promise<string> {
  const folder = join(modules, 'katex/dist')
  const css = await readFile(join(folder, 'katex.min.css'), 'utf8')
  const fonts = [...new Set([...css.matchAll(/url\((fonts\/[\w-]+\.woff2)\)/g)].map(([, path = '']) => path))]
  let style = css.replaceAll(/,url\(fonts\/[\w-]+\.(?:woff|ttf)\) format\("\w+"\)/g, '')
  for (const font of fonts) style = style.replaceAll(font, dataUrl(await readFile(join(folder, font)), 'font/woff2'))
  return style
}

async function printed(browser: Browser, page: string): Promise<Buffer> {
  const tab = await browser.newPage()
  await tab.setContent(page, { waitUntil: 'load' })
  await tab.evaluate('document.fonts.ready')
  return tab.pdf({ preferCSSPageSize: true, printBackground: true })
}

/** Draws a page as an old scanner would: a little turned, gray, with a shadow at one side and specks. */
async function scanned(browser: Browser, page: string): Promise<Buffer> {
  const tab = await browser.newPage({ viewport: A4, deviceScaleFactor: SCAN_SCALE })
  await tab.setContent(page, { waitUntil: 'load' })
  await tab.evaluate('document.fonts.ready')
  const picture = await tab.screenshot()
  const [width, height] = [Math.round(A4.width * SCAN_SCALE), Math.round(A4.height * SCAN_SCALE)]
  const turned = await sharp(picture)
    .grayscale()
    .rotate(1.1, { background: '#ffffff' })
    .resize({ width, height, fit: 'cover', position: 'centre' })
    .blur(0.6)
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { channels } = turned.info
  const random = seededRandom(7)
  const worn = Buffer.alloc(width * height)
  for (let at = 0; at < worn.length; at += 1) {
    const shadow = Math.max(0, 1 - (at % width) / (width * 0.07)) * 50
    const speck = random.next() < 0.00008 ? 110 : 0
    const ink = (255 - (turned.data[at * channels] ?? 255)) * 0.86
    worn[at] = Math.max(0, Math.min(255, 238 - ink - shadow - speck + (random.next() - 0.5) * 10))
  }
  return sharp(worn, { raw: { width, height, channels: 1 } })
    .jpeg({ quality: 55 })
    .toBuffer()
}

function dataUrl(bytes: Uint8Array, mediaType: string): string {
  return `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`
}
