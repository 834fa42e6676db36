import type { VNode } from 'preact'
import { memo } from 'preact/compat'
import { useEffect, useRef } from 'preact/hooks'
import { renderMarkdown } from '../markdown/render-markdown.ts'
import { standingOf, type PageState } from '../state/reading.ts'
import type { Figures } from './figures.ts'
import { PageStory } from './page-story.tsx'
import { STANDING_WORDS } from './wording.ts'

interface Props {
  readonly page: PageState
  readonly figures: Figures
  readonly isSource: boolean
  readonly isStoryOpen: boolean
  readonly onStory: (page: number) => void
}

/** The text of a page, below what became of it. */
export const PageText = memo(function PageText({ page, figures, isSource, isStoryOpen, onStory }: Props): VNode {
  const { number, line, text } = page
  const standing = standingOf(page)
  const storyId = `story-${number}`
  return (
    <article class="page-text" data-page={number} aria-labelledby={`heading-${number}`}>
      <header class="page-head">
        <h3 id={`heading-${number}`}>{pageName(page)}</h3>
        <button
          type="button"
          class="badge"
          data-standing={standing}
          aria-expanded={isStoryOpen}
          aria-controls={isStoryOpen ? storyId : undefined}
          aria-label={`Page ${number}: ${STANDING_WORDS[standing]}. How it was read`}
          onClick={() => onStory(number)}
        >
          {STANDING_WORDS[standing]}
        </button>
        {line?.agreement !== undefined && line.agreement < 0.9 && (
          <span class="note">differs from the text in the PDF</span>
        )}
      </header>
      {isStoryOpen && (
        <div id={storyId}>
          <PageStory page={page} />
        </div>
      )}
      {text === null ? <Skeleton /> : isSource ? <Source text={text} /> : <Rendered text={text} figures={figures} />}
    </article>
  )
})

/** What a page is called: by its number, and by its label where that is another. */
export function pageName({ number, line }: PageState): string {
  const label = line?.label
  return label === undefined || label === String(number) ? `Page ${number}` : `Page ${number} (${label})`
}

/** Lines that are not there yet. */
export function Skeleton(): VNode {
  return (
    <div class="skeleton" aria-hidden="true">
      <span />
      <span />
      <span />
    </div>
  )
}

/** A text as it is. */
export function Source({ text }: { readonly text: string }): VNode {
  return (
    <pre class="source" dir="auto" tabIndex={0}>
      <code>{text}</code>
    </pre>
  )
}

function Rendered({ text, figures }: { readonly text: string; readonly figures: Figures }): VNode {
  const target = useRef<HTMLDivElement>(null)
  useEffect(() => {
    return target.current === null ? undefined : renderMarkdown(target.current, text, figures)
  }, [text, figures])
  return <div class="markdown" dir="auto" ref={target} />
}
