import type { ComponentChildren, VNode } from 'preact'
import { TextDiff } from '../diff/text-diff.tsx'
import type { PageState } from '../state/reading.ts'
import { standingOf } from '../state/reading.ts'
import { changeWords, percent, STANDING_MEANINGS } from './wording.ts'

/** Below it, what the text layer says is looked at before anything else. */
const LOW_AGREEMENT = 0.95

const CACHE_WORDS = {
  hit: 'known from before',
  miss: 'read now',
  joined: 'read together with another request',
  off: 'not used',
} as const

/** The story of a page: how its text came to be. */
export function PageStory({ page }: { readonly page: PageState }): VNode {
  const { line, text, textLayer } = page
  const disagrees = line?.agreement !== undefined && line.agreement < LOW_AGREEMENT
  const diff = textLayer !== null && text !== null ? <LayerDiff layer={textLayer} text={text} /> : null
  return (
    <div class="story">
      <p class="story-meaning">{STANDING_MEANINGS[standingOf(page)]}</p>
      {line?.error !== undefined && <p class="story-error">{line.error.message}</p>}
      {disagrees && diff}
      <dl class="facts">
        <Facts page={page} />
      </dl>
      {line?.warnings?.map(({ code, message }) => (
        <p class="story-warning" key={code}>
          {message}
        </p>
      ))}
      {!disagrees && diff}
    </div>
  )
}

function LayerDiff({ layer, text }: { readonly layer: string; readonly text: string }): VNode {
  return (
    <section class="layer-diff">
      <h4>Compared with the text in the PDF</h4>
      <TextDiff layer={layer} text={text} />
    </section>
  )
}

function Facts({ page: { line, seconds, size, changes } }: { readonly page: PageState }): VNode {
  return (
    <>
      {line !== null && (
        <>
          <Fact name="Attempts">{attempts(line.attempts, line.reasons ?? [])}</Fact>
          {line.agreement !== undefined && (
            <Fact name="Agreement">{`${percent(line.agreement)} of the PDF’s own words`}</Fact>
          )}
          {line.confidence !== undefined && (
            <Fact name="Confidence">{`${percent(line.confidence.mean)}, lowest ${percent(line.confidence.lowest)}`}</Fact>
          )}
          <Fact name="Cache">{CACHE_WORDS[line.cache]}</Fact>
          <Fact name="Model">{line.model}</Fact>
          {line.completion_tokens > 0 && (
            <Fact name="Tokens">{`${line.prompt_tokens} in, ${line.completion_tokens} out`}</Fact>
          )}
        </>
      )}
      {size !== null && <Fact name="Image">{`${size.width} × ${size.height} pixels`}</Fact>}
      {changes.length > 0 && <Fact name="Prepared">{changes.map(changeWords).join(', ')}</Fact>}
      {seconds !== null && <Fact name="Came after">{`${seconds.toFixed(1)} s`}</Fact>}
    </>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): VNode {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function attempts(count: number, reasons: readonly string[]): string {
  return reasons.length === 0 ? String(count) : `${count}; did not count: ${reasons.join(', ')}`
}
