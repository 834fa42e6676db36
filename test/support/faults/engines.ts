import { faultyAnswer, goodAnswer } from '../../fakes/faulty-answer.ts'
import { startFaultyVllm, type FaultyVllm } from '../../fakes/faulty-vllm.ts'
import type { FakeRequest, ScriptedAnswer } from '../../fakes/fake-vllm-answer.ts'
import { eventually } from '../within.ts'
import type { PlannedPage } from './pages.ts'
import type { PlannedFault } from './plan.ts'

/** Several faulty servers that know all pages, and what was done by them. */
export interface Engines extends AsyncDisposable {
  readonly servers: readonly FaultyVllm[]
  /** How often each fault struck: of a server, and of a page. */
  readonly struck: { readonly servers: Record<string, number>; readonly pages: Record<string, number> }
  /** Images that no page of the plan is to be seen in. */
  readonly strangers: readonly string[]
  /** Lets the planned faults strike once so many pages are done with; resolves when all servers are well again. */
  inflict(faults: readonly PlannedFault[], donePages: () => number, timeoutMs: number): Promise<void>
}

const MODEL = 'lightonai/LightOnOCR-2-1B'
const OTHER_MODEL = 'lightonai/LightOnOCR-1B-1025'

/** What a run of many minutes wants to be different. */
export interface EnginesOptions {
  /** `false`: requests that have ended are forgotten, and images that no page is to be seen in are no news. */
  readonly keepsRequests?: boolean
}

/** Starts so many servers. */
export async function startEngines(
  count: number,
  pageOf: (number: number) => PlannedPage,
  { keepsRequests = true }: EnginesOptions = {},
): Promise<Engines> {
  const struck = { servers: {} as Record<string, number>, pages: {} as Record<string, number> }
  const strangers: string[] = []
  const faultsLeft = new Map<number, number>()

  function answer({ image }: FakeRequest): ScriptedAnswer {
    const number = image?.pageNumber ?? null
    if (number === null) {
      if (keepsRequests) strangers.push(`an image of ${image?.width} × ${image?.height} pixels without a number`)
      return { text: 'A page that nobody has planned.' }
    }
    const page = pageOf(number)
    const left = faultsLeft.get(number) ?? page.times
    if (page.fault === null || left === 0) return goodAnswer(page)
    faultsLeft.set(number, left - 1)
    countOne(struck.pages, page.fault)
    return faultyAnswer(page, page.fault)
  }

  const servers = await Promise.all(
    Array.from({ length: count }, () =>
      startFaultyVllm({ model: MODEL, otherModel: OTHER_MODEL, answer, keepsRequests }),
    ),
  )

  async function inflictOn(index: number, faults: readonly PlannedFault[], done: () => number, timeoutMs: number) {
    for (const { fault, afterPages, milliseconds } of faults.filter(({ server }) => server === index)) {
      await eventually(() => done() >= afterPages, timeoutMs, `${afterPages} pages are done with`)
      countOne(struck.servers, fault)
      await servers[index]?.inflict(fault, milliseconds)
    }
  }

  return {
    servers,
    struck,
    strangers,
    async inflict(faults, done, timeoutMs) {
      await Promise.all(servers.map((_, index) => inflictOn(index, faults, done, timeoutMs)))
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server[Symbol.asyncDispose]()
    },
  }
}

function countOne(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}
