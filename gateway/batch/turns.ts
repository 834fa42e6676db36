import type { Script, ScriptValues } from '../store/redis-script.ts'
import type { SharedRedis } from '../store/redis.ts'
import type { Batch } from './batch.ts'
import * as scripts from './turn-scripts.ts'

/** A task by its name here, and whose it is. */
export interface OwnedTask {
  readonly owner: string
  /** `ID:LINE`, `ID:validate` or `ID:finalize`. */
  readonly task: string
}

/** Whose turn it is: which tasks are in the queue that all replicas take from, and which wait for others of their key. */
export interface Turns {
  /** These and others return the tasks that now have their turn; they are to be put into the queue. */
  pushStep(batch: Batch, kind: 'validate' | 'finalize'): Promise<readonly string[]>
  pushLines(batch: Batch, skipped: Uint8Array): Promise<readonly string[]>
  finish(task: OwnedTask): Promise<readonly string[]>
  putOff(task: OwnedTask, milliseconds: number): Promise<readonly string[]>
  /** Returns, beside others, tasks whose turn came so long ago that they should be in the queue, and are not. */
  lookAfter(owner: string, jobPrefix: string, milliseconds: number): Promise<readonly string[]>
  /** Takes back the lines of a batch. */
  stop(batch: string): Promise<void>
  /** Tells of each task whether it is still to be done. */
  areWanted(tasks: readonly OwnedTask[]): Promise<readonly boolean[]>
  /** Returns everybody of whom something is here. */
  owners(): Promise<readonly string[]>
  isKnown(batch: Batch): Promise<boolean>
  /** How many lines have not had their turn yet, or wait for another. */
  waiting(): Promise<number>
  /** Says that this replica lives, and how many lines it takes at a time, as of now. */
  beat(replica: string, lines: number): Promise<void>
  /** Says so of one that has not said it before. */
  join(replica: string, lines: number): Promise<void>
}

/** Creates them under a prefix of keys. */
export function createTurns(shared: SharedRedis, prefix: string): Turns {
  const run = <Reply>(script: Script<Reply>, values: ScriptValues): Promise<Reply> =>
    shared.run((redis) => script(redis, [prefix, ...values]))
  return {
    pushStep: ({ owner, id }, kind) => run(scripts.PUSH_STEP, [owner, id, kind]),
    pushLines: ({ owner, id, lines }, skipped) => run(scripts.PUSH_LINES, [owner, id, lines, Buffer.from(skipped)]),
    finish: ({ owner, task }) => run(scripts.FINISH, [owner, task]),
    putOff: ({ owner, task }, milliseconds) => run(scripts.PUT_OFF, [owner, task, Math.round(milliseconds)]),
    lookAfter: (owner, jobPrefix, milliseconds) => run(scripts.LOOK_AFTER, [owner, jobPrefix, milliseconds]),
    stop: async (batch) => void (await run(scripts.STOP, [batch])),
    async areWanted(tasks) {
      const values = tasks.flatMap(({ owner, task }) => [owner, task])
      return (await run(scripts.ARE_OUT, values)).map((state) => state === 1)
    },
    owners: () => shared.run((redis) => redis.smembers(`${prefix}owners`)),
    isKnown: async ({ owner, id }) => (await run(scripts.IS_KNOWN, [owner, id])) === 1,
    waiting: () => run(scripts.WAITING, []),
    beat: async (replica, lines) => void (await run(scripts.BEAT, [replica, lines, 0])),
    join: async (replica, lines) => void (await run(scripts.BEAT, [replica, lines, 1])),
  }
}
