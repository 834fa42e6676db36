import type { VNode } from 'preact'
import type { StatusSnapshot } from '../../../wire/status.ts'
import { ThemeChoice } from '../shell/theme-choice.tsx'
import type { Link, StatusState, StatusStore } from './store.ts'
import { duration, timeOfDay } from './words.ts'

/** What holds for the whole page. */
export function TopBar({ store, state }: { readonly store: StatusStore; readonly state: StatusState }): VNode {
  const isPaused = state.link.kind === 'paused'
  return (
    <header class="top">
      <h1>
        ocr-gateway <span>status</span>
      </h1>
      {state.hasKey && (
        <button type="button" onClick={() => store.setKey(null)}>
          Forget key
        </button>
      )}
      <button type="button" aria-pressed={isPaused} onClick={() => (isPaused ? store.resume() : store.pause())}>
        Pause
      </button>
      <ThemeChoice />
    </header>
  )
}

const STATES = {
  ready: { standing: 'good', words: 'Ready' },
  draining: { standing: 'warn', words: 'Draining: it finishes what runs, and takes nothing new' },
  no_upstream: { standing: 'bad', words: 'No upstream answers' },
} as const satisfies Record<StatusSnapshot['gateway']['state'], object>

/** How the gateway is, in a line; and how old that is. */
export function StateLine({ store, state }: { readonly store: StatusStore; readonly state: StatusState }): VNode {
  const { link, snapshot } = state
  const { standing, words } = snapshot === null ? NOTHING : STATES[snapshot.gateway.state]
  return (
    <div class="state">
      <p class="state-words standing" role="status" data-standing={standing}>
        {words}
      </p>
      {snapshot !== null && (
        <p class="quiet-text">
          Version {snapshot.gateway.version}, up {duration(snapshot.gateway.uptime_seconds)}, as of{' '}
          <time dateTime={new Date(snapshot.at).toISOString()}>{timeOfDay(snapshot.at)}</time>
        </p>
      )}
      <LinkLine store={store} link={link} />
    </div>
  )
}

const NOTHING = { standing: 'unknown', words: 'Nothing heard yet' } as const

function LinkLine({ store, link }: { readonly store: StatusStore; readonly link: Link }): VNode | null {
  if (link.kind === 'paused') return <p class="link-line">Paused: what stands below is what was heard last.</p>
  if (link.kind !== 'lost') return null
  const { why, retryInSeconds: seconds } = link
  return (
    <p class="link-line">
      <span>
        <span role="alert">Connection lost.</span> {why} Trying again in {seconds} s.
      </span>{' '}
      <button type="button" onClick={() => store.retryNow()}>
        Try now
      </button>
    </p>
  )
}
