import { altText } from './layout-blocks.ts'

const TAG = /<(watermark|page_number|img)>([^<>]{0,2000})<\/\1>/g

/**
 * Writes Nanonets' tags as Markdown: `<img>what it shows</img>` becomes a picture without a place, and `<page_number>14</page_number>`
 * and `<watermark>COPY</watermark>` what they hold.
 */
export function unwrapTags(text: string): string {
  let images = 0
  return text.replace(TAG, (_, name: string, inside: string) =>
    name === 'img' ? `![${altText(inside)}](image_${++images}.png)` : inside.trim(),
  )
}
