import { resolve } from 'node:path'
import { connect } from './connect.ts'
import { findInputs } from './find-inputs.ts'
import type { Found } from './input.ts'
import { openManifest } from './manifest.ts'
import { readQuestion, usage, type GivenOptions } from './options.ts'
import { openOutFolder } from './out-folder.ts'
import { preflight } from './preflight.ts'
import { hasOffice, runReading, sayLeftAlone, type Opened, type Surroundings } from './run-reading.ts'
import { EXIT, printable, say } from './say.ts'

/** `ocr FILES…`: reads documents. Returns how the command ends. */
export async function readCommand(args: readonly string[], given: GivenOptions, where: Surroundings): Promise<number> {
  checkUsage(args, given)
  const outDir = given.out === undefined ? null : resolve(where.cwd, given.out)
  const found: Found =
    given.watch === true
      ? { inputs: [], unreadable: [], leftAlone: new Map() }
      : await findInputs(args, { cwd: where.cwd, outDir, hasOffice: hasOffice(where) })
  if (given.watch !== true && found.inputs.length === 0) return nothingFound(found, given)
  const isOne = found.inputs.length === 1 && given.watch !== true
  const question = readQuestion(given, where.env, isOne)
  await using opened = await openKeeping(given, outDir)
  const readsUrls = found.inputs.some(({ source }) => source.kind === 'url')
  const dataDir = opened.folder?.dataDir ?? null
  const baseUrl = given.baseUrl ?? (where.env['OPENAI_BASE_URL'] || undefined)
  await using connection = await connect({ baseUrl, dataDir, allowUrls: readsUrls }, where.env)
  await preflight(connection, question.model)
  return await runReading({ args, given, where, outDir, found, question, isOne, opened, connection })
}

function checkUsage(args: readonly string[], given: GivenOptions): void {
  const { out, watch, dryRun, retryFailed } = given
  if (watch === true && (args.length !== 1 || out === undefined))
    throw usage('--watch takes one folder, and needs --out')
  if (watch === true && dryRun === true) throw usage('--watch and --dry-run cannot both be given')
  if (retryFailed === true && out === undefined)
    throw usage('--retry-failed needs --out: its manifest says what has failed')
  if (args.filter((argument) => argument === '-').length > 1) throw usage('"-" can be given once')
}

function nothingFound({ unreadable, leftAlone }: Found, given: GivenOptions): number {
  for (const { name, message } of unreadable) say(`${printable(name)}: ${message}`)
  if (given.quiet !== true) sayLeftAlone(leftAlone)
  // A word alone was perhaps meant as a command.
  if (unreadable.length === 1 && /^[a-z]+$/.test(unreadable[0]?.name ?? '')) {
    say('The commands are serve, models, doctor, samples and completion; `ocr --help` says more.')
  }
  if (unreadable.length > 0) return EXIT.usage
  say('There is no document to read.')
  return EXIT.ok
}

/** A dry run writes nothing, and knows what is there. */
async function openKeeping(given: GivenOptions, outDir: string | null): Promise<Opened> {
  const closing = new AsyncDisposableStack()
  if (outDir === null) return { folder: null, manifest: null, [Symbol.asyncDispose]: () => closing.disposeAsync() }
  const readOnly = given.dryRun === true
  const folder = readOnly ? null : closing.use(await openOutFolder(outDir, { anew: !given.resume }))
  const manifest = closing.use(await openManifest(outDir, { anew: !given.resume, readOnly }))
  return { folder, manifest, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}
