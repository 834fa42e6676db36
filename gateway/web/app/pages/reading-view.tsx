import type { VNode } from 'preact'
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { OpenDocument } from '../state/screen.ts'
import { isBusy, type PageState, type Reading } from '../state/reading.ts'
import { createFigures, type Figures } from './figures.ts'
import { useMarks } from './marks.ts'
import { DEFAULT_RATIO, PagePicture } from './page-picture.tsx'
import { PageText, Skeleton, Source } from './page-text.tsx'
import { useTiedScrolling } from './tied-scrolling.ts'
import { VirtualList } from './virtual-list.tsx'

/** What is shown where there is no room for both. */
export type Side = 'pages' | 'text'

interface Props {
  readonly document: OpenDocument
  readonly isSource: boolean
  readonly side: Side
  readonly onSide: (side: Side) => void
  /** Lets shortcuts turn pages. */
  readonly turner: { current: ((pages: number) => void) | null }
}

/** The pages of a document and their texts, beside each other. */
export function ReadingView({ document, isSource, side, onSide, turner }: Props): VNode {
  const { reading, pictures } = document
  const view = useRef<HTMLDivElement>(null)
  const figures = useFigures(document)
  const { pages } = reading
  const tie = useTiedScrolling(side, (index) => pictures.lookAt(pages[index]?.number ?? 1))
  const [stories, toggleStory] = useOpenStories()
  const goTo = useLatest((page: number) => tie.goTo(pages.findIndex(({ number }) => number === page)))
  const showFigure = useCallback(
    (page: number) => {
      onSide('text')
      goTo(page)
    },
    [goTo, onSide],
  )
  useMarks(view, figures)
  turner.current = (count) => tie.turn(count, pages.length)
  if (pages.length === 0) return <NoPages reading={reading} side={side} />
  const keyOf = (index: number): number => pages[index]?.number ?? -index
  const ofPage = (show: (page: PageState) => VNode) => (index: number) => {
    const page = pages[index]
    return page === undefined ? null : show(page)
  }
  const list = (side: Side) => ({ count: pages.length, keyOf, ...tie.list(side) })
  return (
    <div class="view" ref={view} data-side={side} data-phase={reading.phase}>
      <section class="pane pane-pages" {...tie.lead('pages')}>
        <h2 class="unseen">Pages</h2>
        <VirtualList
          label="Pictures of the pages"
          {...list('pages')}
          estimate={(index) => pictureHeight(pages[index], tie.width('pages'))}
        >
          {ofPage((page) => (
            <PagePicture {...{ page, pictures }} figures={figures.ofPage(page.number)} onFigure={showFigure} />
          ))}
        </VirtualList>
      </section>
      <section class="pane pane-text" {...tie.lead('text')}>
        <h2 class="unseen">Text</h2>
        <VirtualList
          label="Text of the pages"
          {...list('text')}
          estimate={(index) => textHeight(pages[index], tie.width('text'))}
        >
          {ofPage((page) => (
            <PageText {...{ page, figures, isSource }} isStoryOpen={stories.has(page.number)} onStory={toggleStory} />
          ))}
        </VirtualList>
      </section>
    </div>
  )
}

/** What stands there before the document is open, and where nothing was read of it: a dry run tells about it. */
function NoPages({ reading, side }: { readonly reading: Reading; readonly side: Side }): VNode {
  const text = reading.content.join('')
  if (text !== '') return <DryRun text={text} />
  const isExpected = isBusy(reading)
  return (
    <div class="view" data-side={side} aria-hidden="true">
      <div class="pane pane-pages">
        {isExpected && (
          <div class="page-picture">
            <div class="paper paper-expected" style={{ aspectRatio: String(DEFAULT_RATIO) }} />
          </div>
        )}
      </div>
      <div class="pane pane-text">
        {isExpected && (
          <div class="page-text">
            <Skeleton />
          </div>
        )}
      </div>
    </div>
  )
}

function DryRun({ text }: { readonly text: string }): VNode {
  return (
    <div class="view view-single" data-phase="done">
      <div class="pane pane-text">
        <div class="page-text">
          <Source text={text} />
        </div>
      </div>
    </div>
  )
}

/** Returns a function that stays the same, and does what the latest one given does. */
function useLatest<Argument>(act: (argument: Argument) => void): (argument: Argument) => void {
  const latest = useRef(act)
  latest.current = act
  return useCallback((argument) => latest.current(argument), [])
}

function useOpenStories(): readonly [ReadonlySet<number>, (page: number) => void] {
  const [stories, setStories] = useState<ReadonlySet<number>>(new Set())
  const toggle = useCallback((page: number) => setStories((open) => open.symmetricDifference(new Set([page]))), [])
  return [stories, toggle]
}

function useFigures({ reading: { ocr } }: OpenDocument): Figures {
  const found = ocr?.figures ?? []
  // Texts are rendered anew only where figures have come.
  const figures = useMemo(() => createFigures(found), [found.length === 0 ? null : found])
  useEffect(() => () => figures.close(), [figures])
  return figures
}

/** Of what stands below and around a picture. */
const PICTURE_FRAME_PIXELS = 56

function pictureHeight(page: PageState | undefined, width: number): number {
  const size = page?.size ?? null
  const ratio = size === null ? DEFAULT_RATIO : size.width / size.height
  return Math.max(1, width - PICTURE_FRAME_PIXELS) / ratio + PICTURE_FRAME_PIXELS
}

const TEXT_FRAME_PIXELS = 120
/** With what stands between paragraphs. */
const LINE_PIXELS = 30
const CHARACTER_PIXELS = 7.5

/** About as high as so many characters would be. It is measured once it is near the view. */
function textHeight(page: PageState | undefined, width: number): number {
  const { length } = page?.text ?? ''
  const lines = (length * CHARACTER_PIXELS) / Math.max(200, width - TEXT_FRAME_PIXELS / 2)
  return TEXT_FRAME_PIXELS + Math.ceil(lines) * LINE_PIXELS
}
