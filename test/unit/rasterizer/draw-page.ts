import { join } from 'node:path'
import { createCanvas, GlobalFonts } from '@napi-rs/canvas'
import type { SKRSContext2D } from '@napi-rs/canvas'
import type { Bitmap } from '../../../gateway/prepare/bitmap.ts'

// A font that the project brings with it: what the machine has differs.
const fonts = join(import.meta.dirname, '../../../node_modules/pdfjs-dist/standard_fonts')
GlobalFonts.registerFromPath(join(fonts, 'LiberationSans-Regular.ttf'), 'Test Sans')

/** A4 at the pixels that LightOnOCR is shown. */
export const a4 = { width: 1089, height: 1540 }

export const english =
  'All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.'

/** Draws a gray page on white paper. */
export function drawPage(draw: (context: SKRSContext2D) => void, { width, height } = a4): Bitmap {
  const canvas = createCanvas(width, height)
  const context = canvas.getContext('2d')
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, width, height)
  context.fillStyle = '#000000'
  draw(context)
  const { data } = context.getImageData(0, 0, width, height)
  const pixels = Uint8Array.from({ length: width * height }, (_, at) => data[at * 4] ?? 0)
  return { pixels, width, height, channels: 1 }
}

/** What a page of text looks like; `degrees` turns it clockwise about its middle. */
export interface TextPage {
  readonly text?: string
  /** Height of the type in pixels: 20 is 11 points on A4. */
  readonly size?: number
  readonly lines?: number
  readonly degrees?: number
  readonly colour?: string
}

/** Draws lines of text. */
export function drawText({
  text = english,
  size = 20,
  lines = 45,
  degrees = 0,
  colour = '#000',
}: TextPage = {}): Bitmap {
  return drawPage((context) => {
    const { width, height } = a4
    context.translate(width / 2, height / 2)
    context.rotate((degrees * Math.PI) / 180)
    context.translate(-width / 2, -height / 2)
    context.fillStyle = colour
    context.font = `${size}px "Test Sans"`
    const words = `${text} `.repeat(60).split(' ')
    for (let line = 0; line < lines; line++) {
      let written = ''
      while (context.measureText(written).width < 820) written += `${words.shift() ?? 'end'} `
      context.fillText(written, 120, 150 + line * size * 1.35)
    }
  })
}

/** Adds scanner noise: normally distributed, always the same. */
export function addNoise({ pixels, ...size }: Bitmap, deviation: number, seed = 1): Bitmap {
  let state = seed
  const random = () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32
  const normal = () => Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random())
  const noisy = Uint8Array.from(pixels, (value) => Math.min(255, Math.max(0, Math.round(value + deviation * normal()))))
  return { pixels: noisy, ...size }
}
