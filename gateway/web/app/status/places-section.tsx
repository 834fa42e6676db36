import type { VNode } from 'preact'
import type { StatusSnapshot } from '../../../wire/status.ts'
import { Fact, Facts } from './facts.tsx'
import { bytes, counted, duration, orUnknown, percent, UNKNOWN } from './words.ts'

/** The cache, the drawers, the process, and what is kept. */
export function PlacesSection({ snapshot }: { readonly snapshot: StatusSnapshot }): VNode {
  return (
    <div class="places">
      <CacheCard cache={snapshot.cache} />
      <section aria-labelledby="drawers">
        <h2 id="drawers">Drawers</h2>
        <Facts>
          <Fact name="Busy">
            {counted(snapshot.drawers.busy)} of {counted(snapshot.drawers.alive)}
          </Fact>
          <Fact name="Waiting for one">{counted(snapshot.drawers.waiting)}</Fact>
          <Fact name="Memory">{bytes(snapshot.drawers.memory_bytes)}</Fact>
        </Facts>
      </section>
      <ProcessCard snapshot={snapshot} />
      <KeptCard snapshot={snapshot} />
    </div>
  )
}

const PLACES = { memory: 'in memory', disk: 'in the data folder', redis: 'in Redis', off: 'off' } as const

function CacheCard({ cache }: { readonly cache: StatusSnapshot['cache'] }): VNode {
  const { place, redis_up: isRedisUp, lookups, hits, entries, bytes: held, most_bytes: most } = cache
  return (
    <section aria-labelledby="cache">
      <h2 id="cache">Cache</h2>
      <Facts>
        <Fact name="Hits, last 5 min">
          {lookups === 0 ? UNKNOWN : `${percent(hits / lookups)} of ${counted(lookups)}`}
        </Fact>
        <Fact name="Kept">{PLACES[place]}</Fact>
        {entries !== null && <Fact name="Pages">{counted(entries)}</Fact>}
        {held !== null && (
          <Fact name="Size">
            {bytes(held)} of {orUnknown(most, bytes)}
          </Fact>
        )}
        {isRedisUp !== null && (
          <Fact name="Redis">
            <span class="standing" data-standing={isRedisUp ? 'good' : 'bad'}>
              {isRedisUp ? 'Up' : 'Down: pages are read anew'}
            </span>
          </Fact>
        )}
      </Facts>
    </section>
  )
}

function ProcessCard({ snapshot: { gateway, requests } }: { readonly snapshot: StatusSnapshot }): VNode {
  return (
    <section aria-labelledby="process">
      <h2 id="process">Process</h2>
      <Facts>
        <Fact name="Memory">{bytes(gateway.memory_bytes)}</Fact>
        <Fact name="Event loop busy">{percent(gateway.event_loop_utilization)}</Fact>
        <Fact name="Event loop late">
          {orUnknown(gateway.event_loop_delay_ms, (value) => `${Math.round(value)} ms`)}
        </Fact>
        <Fact name="Requests in flight">{counted(requests.in_flight)}</Fact>
        <Fact name="Connections">{counted(requests.connections)}</Fact>
      </Facts>
    </section>
  )
}

function KeptCard({ snapshot: { files, webhooks } }: { readonly snapshot: StatusSnapshot }): VNode {
  return (
    <section aria-labelledby="kept">
      <h2 id="kept">Kept</h2>
      <Facts>
        <Fact name="Files">{files === null ? 'cannot be looked up now' : counted(files.files)}</Fact>
        {files !== null && (
          <Fact name="Size">
            {bytes(files.bytes)} of {bytes(files.most_bytes)}
          </Fact>
        )}
        {webhooks !== null && <Fact name="Webhooks waiting">{counted(webhooks.waiting)}</Fact>}
        {webhooks !== null && <Fact name="The oldest for">{orUnknown(webhooks.oldest_seconds, duration)}</Fact>}
      </Facts>
    </section>
  )
}

/** The settings that decide how much is read at a time. */
export function SettingsSection({ settings }: { readonly settings: StatusSnapshot['settings'] }): VNode {
  return (
    <details class="settings">
      <summary>Settings</summary>
      <dl class="facts">
        {Object.entries(settings).map(([name, value]) => (
          <div key={name}>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>{value === null ? 'not set' : typeof value === 'number' ? counted(value) : String(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
