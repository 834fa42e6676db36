import type { VNode } from 'preact'
import { memo } from 'preact/compat'
import { useEffect, useRef } from 'preact/hooks'
import type { FigureObject } from '../../../wire/openai/ocr-object.ts'
import type { Pictures } from '../state/pictures.ts'
import { standingOf, type PageState } from '../state/reading.ts'
import type { Change } from '../stream/events.ts'
import { pageName } from './page-text.tsx'
import { changeWords } from './wording.ts'

interface Props {
  readonly page: PageState
  readonly pictures: Pictures
  readonly figures: readonly FigureObject[]
  readonly onFigure: (page: number) => void
}

/** The picture of a page, with what was found on it. */
export const PagePicture = memo(function PagePicture({ page, pictures, figures, onFigure }: Props): VNode {
  const { number, size, changes } = page
  const picture = size === null ? null : pictures.get(number)
  const ratio = size === null ? DEFAULT_RATIO : size.width / size.height
  return (
    <figure class="page-picture" data-page={number}>
      <div class="paper" style={{ aspectRatio: String(ratio) }}>
        {picture === null ? (
          <span class="paper-empty">{size === null ? '' : 'picture dropped to save memory'}</span>
        ) : (
          <Picture picture={picture} label={`${pageName(page)} of the document`} />
        )}
        {size !== null && <Tiles changes={changes} size={size} />}
        {size !== null &&
          figures.map((figure) => <FigureBox key={figure.name} figure={figure} size={size} onFigure={onFigure} />)}
      </div>
      <figcaption>
        <span class="page-number" data-standing={standingOf(page)}>
          {number}
        </span>
        {changes.length > 0 && <span class="changes">{changes.map(changeWords).join(' · ')}</span>}
      </figcaption>
    </figure>
  )
})

/** Of a sheet of A4. */
export const DEFAULT_RATIO = 210 / 297

type Size = NonNullable<PageState['size']>

/**
 * Draws a picture, and frees its pixels once it is off the screen. Of images the browser would keep them for some seconds:
 * hundreds of megabytes while somebody scrolls through a long document.
 */
function Picture({ picture, label }: { readonly picture: Blob; readonly label: string }): VNode {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const { current } = canvas
    let isShown = true
    // A picture that cannot be decoded leaves the paper white.
    if (current !== null) void drawPicture(current, picture, () => isShown).catch(() => undefined)
    return () => {
      isShown = false
      if (current !== null) current.width = current.height = 0
    }
  }, [picture])
  return <canvas ref={canvas} role="img" aria-label={label} />
}

async function drawPicture(canvas: HTMLCanvasElement, picture: Blob, isShown: () => boolean): Promise<void> {
  const bitmap = await createImageBitmap(picture)
  if (isShown()) {
    canvas.width = bitmap.width
    canvas.height = bitmap.height
    canvas.getContext('2d')?.drawImage(bitmap, 0, 0)
    canvas.dataset['drawn'] = ''
  }
  bitmap.close()
}

/** Where the page was cut into parts. */
function Tiles({ changes, size }: { readonly changes: readonly Change[]; readonly size: Size }): VNode {
  const boxes = changes.flatMap(({ code, boxes }) =>
    code === 'tiled' && Array.isArray(boxes) ? boxes.filter(isBox) : [],
  )
  return (
    <>
      {boxes.map((box, index) => (
        <span key={index} class="tile" style={placeOf(box, size)} />
      ))}
    </>
  )
}

function FigureBox(props: {
  readonly figure: FigureObject
  readonly size: Size
  readonly onFigure: Props['onFigure']
}): VNode {
  const { name, page, box } = props.figure
  return (
    <button
      type="button"
      class="figure-box"
      data-figure={name}
      aria-label={`Figure ${name}: show it in the text`}
      style={placeOf(box, props.size)}
      onClick={() => props.onFigure(page)}
    />
  )
}

type Box = readonly [number, number, number, number]

function isBox(value: unknown): value is Box {
  return Array.isArray(value) && value.length === 4 && value.every((edge) => typeof edge === 'number')
}

function placeOf([left, top, right, bottom]: Box, { width, height }: Size): Record<string, string> {
  return {
    left: inPercent(left, width),
    top: inPercent(top, height),
    width: inPercent(right - left, width),
    height: inPercent(bottom - top, height),
  }
}

function inPercent(pixels: number, whole: number): string {
  return `${(pixels / whole) * 100}%`
}
