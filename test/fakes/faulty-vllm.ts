import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/within.ts'
import { engineDead, queueFull } from './faulty-answer.ts'

import type { FakeRequest, ScriptedAnswer } from './fake-vllm-answer.ts'
import { startFakeVllm } from './fake-vllm.ts'

/** What may happen to a whole server. */
export const serverFaults = [
  'killed and restarted',
  'hung',
  'asleep',
  'restarted with another model',
  'engine dead, then killed',
  'failing with 500',
  'queue full',
  'scaling',
] as const

export type ServerFault = (typeof serverFaults)[number]

/** A fake vLLM to which things happen, at one address for all its lives. */
export interface FaultyVllm extends AsyncDisposable {
  readonly url: string
  /** Lets a fault last for so long; resolves when the server is well again. */
  inflict(fault: ServerFault, milliseconds: number): Promise<void>
  /** Of all its lives. */
  layoutProblems(): readonly string[]
  /** Generations that have not ended. */
  running(): number
}

/** How one is started. */
export interface FaultyVllmOptions {
  readonly model: string
  /** What it serves while it is `restarted with another model`. */
  readonly otherModel: string
  readonly answer: (request: FakeRequest) => ScriptedAnswer
  /** See FakeVllmOptions. */
  readonly keepsRequests?: boolean
}

const RESTART_TIMEOUT_MS = 10_000

/** Starts a fake vLLM that is well. */
export async function startFaultyVllm(options: FaultyVllmOptions): Promise<FaultyVllm> {
  const { model, otherModel, answer, keepsRequests = true } = options
  let all: ScriptedAnswer | null = null
  const start = (served: string, port = 0) =>
    startFakeVllm({ models: [served], port, devMode: true, keepsRequests, answer: (request) => all ?? answer(request) })
  let fake = await start(model)
  const lives = [fake]
  const { url, port } = fake

  async function restart(served: string): Promise<void> {
    // The system may have lent the port to a connection that was just being made.
    await eventually(() => tryStart(served), RESTART_TIMEOUT_MS, `a restart on port ${port}`)
  }

  async function tryStart(served: string): Promise<boolean> {
    const started = await start(served, port).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null
      throw error
    })
    if (started === null) return false
    fake = started
    lives.push(started)
    return true
  }

  /** Answers everything alike for a while. */
  async function answerAll(scripted: ScriptedAnswer, milliseconds: number): Promise<void> {
    all = scripted
    await delay(milliseconds)
    all = null
  }

  const faults: Record<ServerFault, (milliseconds: number) => Promise<void>> = {
    async 'killed and restarted'(milliseconds) {
      await fake.kill()
      await delay(milliseconds)
      await restart(model)
    },
    hung: (milliseconds) =>
      between(
        () => fake.setHanging(true),
        milliseconds,
        () => fake.setHanging(false),
      ),
    asleep: (milliseconds) =>
      between(
        () => fake.sleep(),
        milliseconds,
        () => fake.wake(),
      ),
    async 'restarted with another model'(milliseconds) {
      await fake.kill()
      await restart(otherModel)
      await delay(milliseconds)
      await fake.kill()
      await restart(model)
    },
    async 'engine dead, then killed'(milliseconds) {
      // vLLM's server ends itself some time after its engine has died.
      fake.setHealthy(false)
      await answerAll(engineDead, milliseconds / 2)
      await faults['killed and restarted'](milliseconds / 2)
    },
    'failing with 500': (milliseconds) => answerAll(engineDead, milliseconds),
    'queue full': (milliseconds) => answerAll(queueFull, milliseconds),
    scaling: (milliseconds) =>
      between(
        () => fake.setScaling(true),
        milliseconds,
        () => fake.setScaling(false),
      ),
  }

  return {
    url,
    inflict: (fault, milliseconds) => faults[fault](milliseconds),
    layoutProblems: () => lives.flatMap((life) => life.layoutProblems),
    running: () => lives.flatMap((life) => life.requests).filter(({ endedAt }) => endedAt === null).length,
    [Symbol.asyncDispose]: () => fake.kill(),
  }
}

async function between(begin: () => void, milliseconds: number, end: () => void): Promise<void> {
  begin()
  await delay(milliseconds)
  end()
}
