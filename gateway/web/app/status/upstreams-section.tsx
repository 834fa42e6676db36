import type { VNode } from 'preact'
import type { StatusSnapshot } from '../../../wire/status.ts'
import { Bar, Fact, Facts } from './facts.tsx'
import { counted, countedAs, duration, orUnknown, percent } from './words.ts'

type Upstream = StatusSnapshot['upstreams'][number]

/** The servers that read pages. */
export function UpstreamsSection({ upstreams }: { readonly upstreams: readonly Upstream[] }): VNode {
  return (
    <section aria-labelledby="upstreams">
      <h2 id="upstreams">Upstreams</h2>
      {upstreams.length === 0 ? (
        <p class="quiet-text">None are set: the embedded engine reads all pages.</p>
      ) : (
        <ul class="cards">
          {upstreams.map((upstream) => (
            <UpstreamCard key={upstream.url} upstream={upstream} />
          ))}
        </ul>
      )}
    </section>
  )
}

/** What an operator sees first: the standing decides the colour, the words say it. */
function standingOf({ problem, breaker, held_back: isHeldBack }: Upstream) {
  if (problem !== null) return { standing: 'bad', words: 'Down' } as const
  if (breaker === 'open') return { standing: 'bad', words: 'Left alone: most pages fail' } as const
  if (breaker === 'half-open') return { standing: 'warn', words: 'On trial' } as const
  if (isHeldBack) return { standing: 'warn', words: 'Held back: its KV cache is full' } as const
  return { standing: 'good', words: 'Up' } as const
}

const LIMITS: Readonly<Record<Upstream['limit_from'], string>> = {
  pinned: 'set by you',
  found: 'found out',
  searching: 'being found out',
  replica: 'found by another replica',
}

function UpstreamCard({ upstream }: { readonly upstream: Upstream }): VNode {
  const { url, problem, warnings, in_flight: inFlight, part, limit, gateways } = upstream
  const { standing, words } = standingOf(upstream)
  const isShared = gateways !== null && gateways > 1
  return (
    <li class="card" data-standing={standing}>
      <h3 dir="ltr">{url.replace(/^https?:\/\//, '')}</h3>
      <p class="standing" data-standing={standing}>
        {words}
        {problem !== null && <span class="why">: {problem}</span>}
      </p>
      {warnings.map((warning) => (
        <p key={warning} class="warning">
          {warning}
        </p>
      ))}
      <div class="in-flight">
        <p>
          <strong>{counted(inFlight)}</strong> of {countedAs(part, 'page')} in flight
        </p>
        <Bar label="Pages in flight" value={inFlight} most={part} />
      </div>
      <Facts>
        <Fact name="Limit">
          {counted(limit)}, {LIMITS[upstream.limit_from]}
          {isShared && `; shared by ${counted(gateways)} replicas`}
        </Fact>
        <Fact name="Waiting for its models">{counted(upstream.waiting)}</Fact>
        <Fact name="Answered, last minute">{counted(upstream.pages_last_minute)}</Fact>
        <Fact name="A page takes">{orUnknown(upstream.seconds_per_page, duration)}</Fact>
        <Fact name="First text after">{orUnknown(upstream.seconds_to_first_text, duration)}</Fact>
        <Fact name="KV cache">{orUnknown(upstream.server?.kv_cache_usage ?? null, percent)}</Fact>
        <Fact name="Serves">
          <span dir="ltr">{upstream.models.join(', ') || 'nothing'}</span>
        </Fact>
        <Fact name="vLLM">{upstream.version ?? 'does not say'}</Fact>
      </Facts>
    </li>
  )
}
