import createPurifier from 'dompurify'
import { ALLOWED_ATTRIBUTES, ALLOWED_ELEMENTS } from './allowed.ts'
import type { MarkdownFigures } from './render-markdown.ts'

const OWN_DIRECTION = 'p,h4,h5,h6,td,th,dt,dd,caption,figcaption,pre'
/** Their text is in elements that have directions of their own, and says nothing to `auto`. */
const DIRECTION_OF_CONTENT = ':is(table,ul,ol,dl,blockquote):not(:is(table,ul,ol,dl,blockquote) *)'
const RIGHT_TO_LEFT = /^\P{L}*[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u
const PICTURE = /^(?:blob:|data:image\/(?:png|jpeg|webp|gif);base64,)/i
const LINK_PROTOCOLS = new Set(['http:', 'https:', 'mailto:'])

/**
 * Turns HTML of a page into elements of a document that shows nothing and loads nothing, without everything that could
 * run, load, submit or pass for a part of the app.
 */
export function sanitise(html: string, figures: MarkdownFigures): HTMLElement {
  const body = createPurifier.sanitize(html, {
    ALLOWED_TAGS: [...ALLOWED_ELEMENTS],
    ALLOWED_ATTR: [...ALLOWED_ATTRIBUTES],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM: true,
  }) as HTMLElement
  for (const heading of body.querySelectorAll('h1,h2,h3,h4,h5')) lowerHeading(heading)
  for (const image of body.querySelectorAll('img')) placeImage(image, figures)
  for (const link of body.querySelectorAll('a')) tameLink(link)
  for (const cell of body.querySelectorAll('td,th')) boundSpans(cell)
  for (const table of body.querySelectorAll('table')) frameTable(table)
  for (const block of body.querySelectorAll(OWN_DIRECTION))
    if (!block.hasAttribute('dir')) block.setAttribute('dir', 'auto')
  for (const whole of body.querySelectorAll(DIRECTION_OF_CONTENT))
    if (!whole.hasAttribute('dir')) whole.setAttribute('dir', RIGHT_TO_LEFT.test(whole.textContent) ? 'rtl' : 'ltr')
  return body
}

/** Above a page's own headings stand the app's; the last of them is the page's number, an h3. */
function lowerHeading(heading: Element): void {
  const level = Math.min(6, Number(heading.tagName.slice(1)) + 3)
  const lower = heading.ownerDocument.createElement(`h${level}`)
  for (const { name, value } of heading.attributes) lower.setAttribute(name, value)
  lower.append(...heading.childNodes)
  heading.replaceWith(lower)
}

/** No picture is loaded from anywhere: it comes with the answer, or its name is shown in its place. */
function placeImage(image: HTMLImageElement, figures: MarkdownFigures): void {
  const name = image.getAttribute('src') ?? ''
  const url = PICTURE.test(name) ? name : figures.urlOf(name)
  const alt = image.getAttribute('alt') ?? ''
  if (url !== null && PICTURE.test(url)) {
    image.setAttribute('src', url)
    image.setAttribute('decoding', 'async')
    if (alt === '') image.setAttribute('alt', 'Figure')
    if (url !== name) image.dataset['figure'] = name
    return
  }
  const missing = image.ownerDocument.createElement('span')
  missing.className = 'md-figure'
  missing.textContent = ['Figure', shortened(alt === 'image' ? '' : alt) || shortened(name)].filter(Boolean).join(': ')
  image.replaceWith(missing)
}

const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text)

/** Links that lead out of the page, in a tab of their own; others would lead into the app. */
function tameLink(link: HTMLAnchorElement): void {
  const href = link.getAttribute('href') ?? ''
  const url = URL.parse(href)
  if (url === null || !LINK_PROTOCOLS.has(url.protocol)) return link.replaceWith(...link.childNodes)
  link.setAttribute('target', '_blank')
  link.setAttribute('rel', 'noopener noreferrer nofollow')
  link.setAttribute('title', shortened(url.href))
}

/** A table that claims sixty thousand columns takes the browser minutes. */
function boundSpans(cell: Element): void {
  for (const [name, most] of [
    ['colspan', 100],
    ['rowspan', 1000],
  ] as const) {
    const value = cell.getAttribute(name)
    if (value !== null && !(Number(value) >= 1 && Number(value) <= most)) cell.removeAttribute(name)
  }
}

/** Wide tables scroll by themselves, with the keyboard too. */
function frameTable(table: HTMLTableElement): void {
  if (table.parentElement?.closest('table') != null) return
  const frame = table.ownerDocument.createElement('div')
  frame.className = 'md-table'
  frame.tabIndex = 0
  frame.setAttribute('role', 'group')
  frame.setAttribute('aria-label', 'Table')
  table.replaceWith(frame)
  frame.append(table)
}
