import type { VNode } from 'preact'
import { useEffect, useReducer } from 'preact/hooks'
import type { StatusSnapshot } from '../../../wire/status.ts'
import { BatchesSection } from './batches-section.tsx'
import { FailuresSection } from './failures-section.tsx'
import { StateLine, TopBar } from './head.tsx'
import { KeyForm } from './key-form.tsx'
import { PagesSection } from './pages-section.tsx'
import { PlacesSection, SettingsSection } from './places-section.tsx'
import { QueueSection } from './queue-section.tsx'
import type { StatusState, StatusStore } from './store.ts'
import { UpstreamsSection } from './upstreams-section.tsx'

/** The operator's page. */
export function App({ store }: { readonly store: StatusStore }): VNode {
  const state = useStore(store)
  const { link, snapshot } = state
  if (link.kind === 'refused') {
    return (
      <>
        <TopBar store={store} state={state} />
        <main>
          <KeyForm why={link.why} hadKey={link.hadKey} onKey={(key) => store.setKey(key)} />
        </main>
      </>
    )
  }
  const isOld = snapshot !== null && link.kind !== 'live'
  return (
    <>
      <TopBar store={store} state={state} />
      <main data-old={isOld}>
        <StateLine store={store} state={state} />
        {snapshot !== null && <Sections snapshot={snapshot} />}
      </main>
    </>
  )
}

function Sections({ snapshot }: { readonly snapshot: StatusSnapshot }): VNode {
  return (
    <div class="sections">
      <PagesSection pages={snapshot.pages} />
      <UpstreamsSection upstreams={snapshot.upstreams} />
      <QueueSection queue={snapshot.queue} />
      <FailuresSection failures={snapshot.failures} />
      <BatchesSection batches={snapshot.batches} />
      <PlacesSection snapshot={snapshot} />
      <SettingsSection settings={snapshot.settings} />
    </div>
  )
}

function useStore(store: StatusStore): StatusState {
  const [, changed] = useReducer<number, void>((count) => count + 1, 0)
  useEffect(() => store.subscribe(changed), [store])
  return store.get()
}
