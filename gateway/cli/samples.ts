import { resolve } from 'node:path'
import { decodeSample, parseSamplesKey, SampleProblem } from '../samples/sample-file.ts'
import { listSamples, readSampleFile } from '../samples/sample-folder.ts'
import type { Sample } from '../samples/sample.ts'
import { readSamplesKey } from '../wiring/samples.ts'
import { exportSamples } from './export-samples.ts'
import { usage } from './options.ts'
import type { Surroundings } from './run-reading.ts'
import type { SamplesAction, SamplesOptions } from './samples-options.ts'
import { CommandError, counted, EXIT, printable, say } from './say.ts'

/** The samples that a command is about. */
interface KeptSamples {
  readonly folder: string
  /** Reads them, the oldest first; what cannot be read is said, and left out. */
  all(): AsyncGenerator<Sample, void, undefined>
  /** How many could not be read. */
  readonly unreadable: number
}

/** `ocr samples list`, `show ID` and `export DIR`. Returns how the command ends. */
export async function samplesCommand(
  action: SamplesAction,
  target: string | undefined,
  options: SamplesOptions,
  { cwd, env }: Surroundings,
): Promise<number> {
  const named = options.dir ?? (env['GATEWAY_SAMPLES_DIR'] || undefined)
  if (named === undefined) throw usage('--dir says which folder, or GATEWAY_SAMPLES_DIR does')
  const key = keyOf(options, env)
  const folder = resolve(cwd, named)
  if (action === 'list') return list(keptIn(folder, key), options.json === true)
  if (target === undefined) throw usage(action === 'show' ? 'show takes the id of a sample' : 'export takes a folder')
  if (action === 'show') return show(await sampleOf(folder, target, key), options.json === true)
  const kept = keptIn(folder, key)
  const { pairs, reviewed, left } = await exportSamples(kept.all(), resolve(cwd, target), options.reviewed === true)
  say(`${counted(pairs, 'pair')} of image and text in ${target}: ${reviewed} reviewed, ${pairs - reviewed} to review.`)
  if (left > 0) say(`${counted(left, 'pair')} of them stayed from before: their samples are gone.`)
  return kept.unreadable > 0 ? EXIT.failed : EXIT.ok
}

function keyOf({ keyFile }: SamplesOptions, env: NodeJS.ProcessEnv): Buffer | null {
  const file = keyFile ?? (env['GATEWAY_SAMPLES_KEY_FILE'] || undefined)
  const text = env['GATEWAY_SAMPLES_KEY'] ?? ''
  if (file === undefined && text === '') return null
  const { key, problem } = file === undefined ? { key: parseSamplesKey(text), problem: null } : readSamplesKey(file)
  if (problem !== null) throw new CommandError(EXIT.usage, problem)
  if (key === null) throw new CommandError(EXIT.usage, 'GATEWAY_SAMPLES_KEY must be 32 bytes in base64')
  return key
}

function keptIn(folder: string, key: Buffer | null): KeptSamples {
  let unreadable = 0
  return {
    folder,
    async *all() {
      for (const { id } of await listSamples(folder)) {
        const bytes = await readSampleFile(folder, id)
        // The gateway may have made room meanwhile.
        if (bytes === null) continue
        try {
          yield decodeSample(bytes, key)
        } catch (error) {
          if (!(error instanceof SampleProblem)) throw error
          unreadable += 1
          say(`${id} cannot be read: ${error.message}`)
        }
      }
    },
    get unreadable() {
      return unreadable
    },
  }
}

async function sampleOf(folder: string, id: string, key: Buffer | null): Promise<Sample> {
  const bytes = await readSampleFile(folder, id)
  if (bytes === null) throw new CommandError(EXIT.usage, `there is no sample ${printable(id)} in ${folder}`)
  try {
    return decodeSample(bytes, key)
  } catch (error) {
    if (!(error instanceof SampleProblem)) throw error
    throw new CommandError(EXIT.failed, `${id} cannot be read: ${error.message}`)
  }
}

async function list(kept: KeptSamples, asJson: boolean): Promise<number> {
  for await (const { facts } of kept.all()) {
    const { id, at, status, reasons, model, images } = facts
    const [image] = images
    const size = image === undefined ? '' : `${image.width}x${image.height}`
    const line = [id, at.slice(0, 19), status, reasons.join(','), size, printable(model)].join('  ')
    process.stdout.write(`${asJson ? JSON.stringify({ id, at, status, reasons, model, images }) : line}\n`)
  }
  return kept.unreadable > 0 ? EXIT.failed : EXIT.ok
}

function show({ facts }: Sample, asJson: boolean): number {
  process.stdout.write(asJson ? `${JSON.stringify(facts)}\n` : storyOf(facts))
  return EXIT.ok
}

function storyOf({
  id,
  at,
  status,
  reasons,
  model,
  task,
  agreement,
  attempts,
  text,
  textModel,
  textLayer,
}: Sample['facts']): string {
  const said = attempts.map(({ reason, text: answer }, index) => {
    const end = reason === null ? 'counts' : `does not count: ${reason}`
    return `## Attempt ${index + 1}, which ${end}\n\n${answer ?? '(the engine has failed)'}\n\n`
  })
  const agrees = agreement === null ? '' : `; agreement with the text layer ${agreement.toFixed(2)}`
  const story = `# ${id}\n\n${at}, ${model}, task ${task}: ${status} (${reasons.join(', ')})${agrees}\n\n${said.join('')}## Text${textModel === undefined ? '' : `, which is from ${textModel}`}\n\n${text}\n${textLayer === null ? '' : `\n## Text layer\n\n${textLayer}\n`}`
  return story.split('\n').map(printable).join('\n')
}
